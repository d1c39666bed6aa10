"""What a journey is told of documents. They are kept without it; it only writes the letters."""

from temporalio import workflow

from workflows.parts.journey import Journey
from workflows.parts.validation import flaws

with workflow.unsafe.imports_passed_through():
    from workflows.messages import DOCUMENT_SHARED, DocumentSharedSignal


class Sharing(Journey):
    """The client is told once for each time that a document is shared with them."""

    @workflow.signal(name=DOCUMENT_SHARED, description="A document was shared with the client, who is told by mail.")
    async def document_shared(self, news: DocumentSharedSignal) -> None:
        if not await self.can_hear(news.share_id):
            return
        wrong = list(flaws(news))
        if wrong:
            workflow.logger.warning("a signal was dropped: %s", "; ".join(wrong))
            return
        self.letters.of_share(news.share_id)
