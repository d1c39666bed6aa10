"""Pages on which what somebody wrote is read by somebody else."""

OF_CLIENTS = (
    *("/appointments", "/forms", "/forms/informed_consent", "/forms/initial_consultation", "/forms/billing_info"),
    *("/chats", "/payments", "/card", "/documents", "/notes", "/goals", "/waitlist?therapist=ana-silva"),
    *("/profile", "/account", "/more"),
)
OF_STAFF = {
    "ana@practice.example": (
        *("today", "calendar", "calendar/book", "clients", "groups", "chats", "blasts", "feed", "hours", "account"),
        "therapists/ana-silva",
    ),
    "care@practice.example": (
        *("desk", "clients", "clients/new", "calendar", "payments", "approvals", "books", "exceptions"),
        "hours?therapist=ana-silva",
    ),
    "owner@practice.example": (
        *(
            "therapists",
            "therapists/ana-silva",
            "staff",
            "texts",
            "texts/fee_policy",
            "accesses",
            "reports",
            "settings",
            "exceptions",
            "closures?country=US",
            "keys",
        ),
    ),
}
PARTS = (
    *("timeline", "sessions", "forms", "notes", "documents", "goals", "chat", "money", "settings", "archive/preview"),
    *("forms/initial_consultation/fill", "forms/billing_info/fill"),
)
