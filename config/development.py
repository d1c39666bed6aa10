"""Development values. They are public: they protect nothing, and production refuses them."""

DEV_API_KEYS = "booking_site:site:dev-booking-site,care_team:desk:dev-care-team,admin:root:dev-admin"
DEV_PAYLOAD_KEYS = "dev:Y2FyZS1qb3VybmV5cy1kZXZlbG9wbWVudC1rZXktMzI="  # "care-journeys-development-key-32"
DEV_CHAIN_KEYS = "dev:Y2FyZS1qb3VybmV5cy1kZXZlbG9wbWVudC1jaGFpbi0="  # "care-journeys-development-chain-"
DEV_STRIPE_API_KEY = "sk_test_care_journeys_development"
DEV_STRIPE_WEBHOOK_SECRET = "whsec_care_journeys_development"  # noqa: S105 - public, as said above
DEV_SENDGRID_API_KEY = "SG.care_journeys_development"
DEV_GOOGLE_CALENDAR_CLIENT_ID = "google-development"
DEV_GOOGLE_CALENDAR_CLIENT_SECRET = "google-development-secret"  # noqa: S105 - of the stand-in
DEV_OUTLOOK_CALENDAR_CLIENT_ID = "outlook-development"
DEV_OUTLOOK_CALENDAR_CLIENT_SECRET = "outlook-development-secret"  # noqa: S105 - likewise
DEV_SENDGRID_WEBHOOK_PUBLIC_KEY = (  # of the stand-in's key pair
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEWA8ULxjBFTNeh0ToVzg3d2uqxhasHQzT91DAm2s705LwoiFNJ7h1fWKKu9bCauvtGYM/BuQZh8c"
    "mJ43xNincw=="
)
