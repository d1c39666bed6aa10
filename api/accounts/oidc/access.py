"""Who asks by an access token of the provider: a person of the practice whose account is linked to its subject."""

from datetime import datetime

from api.accounts.callers import Asker
from api.accounts.oidc.fetching import ProviderAway, provider_away
from api.accounts.oidc.provider import Provider
from api.accounts.oidc.tokens import TokenRefused, subject_of_access
from api.accounts.tokens import hash_of, unauthenticated
from api.problems import refuse
from models.database import Sessions
from models.reads.accounts.oidc import staff_of_subject
from models.reads.accounts.second_factors import codes_possible
from rules.accounts.caller import staff_callers
from rules.enums import Role
from rules.refusals import Problem


async def asker_by_access_token(
    sessions: Sessions, provider: Provider, token: str, *, factor_demanded: bool, real: datetime
) -> Asker:
    """``factor_demanded``: of people of the practice. Where it is, and of whoever has one, the token has to tell of a
    second factor that is trusted: nobody can be asked for a code here. Raises Refused."""
    try:
        subject = await subject_of_access(provider, token, now=real)
    except ProviderAway as away:
        raise provider_away() from away
    except TokenRefused as refused:
        raise unauthenticated(f"This access token proves nothing: {refused}.") from refused
    async with sessions() as session:
        found = await staff_of_subject(session, provider.settings.issuer, subject.id)
        if found is None:
            raise unauthenticated("This access token is nobody's here: sign in by the provider once.")
        account, slug = found
        needed = factor_demanded or bool(await codes_possible(session, account.id))
    if needed and not subject.factor_shown:
        detail = "This access token tells of no second factor that is trusted: use the token of a sign-in."
        raise refuse(Problem.SECOND_FACTOR_REQUIRED, detail, factors=[])
    callers = staff_callers(account.handle or "", [Role(role) for role in account.roles], slug)
    if not callers:
        raise unauthenticated("This access token is of somebody without a role.")
    return Asker(callers=callers, account=account, token_hash=hash_of(token))
