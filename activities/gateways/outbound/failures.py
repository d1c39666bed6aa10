"""Why a given address was not asked, or gave no answer: facts, each with its trouble as a word and as a sentence."""

from rules.outbound import Trouble


class OutboundFailure(Exception):
    """``reason`` is the word for it; as text it is the sentence, without the address, which may hold a secret."""

    def __init__(self, reason: Trouble) -> None:
        super().__init__(reason.sentence)
        self.reason = reason


class AddressRefused(OutboundFailure):
    """It was not asked, and will not be while it leads where it does."""


class NotReached(OutboundFailure):
    """It was asked, and there is no whole answer. Whether it took in what was sent is not known."""


class TooLarge(NotReached):
    """It answers more than is read, or more than it unpacks to."""

    def __init__(self) -> None:
        super().__init__(Trouble.TOO_LARGE)
