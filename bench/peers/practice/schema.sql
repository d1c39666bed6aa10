CREATE TABLE therapist (id text PRIMARY KEY, email text NOT NULL, caseload integer NOT NULL DEFAULT 0);
INSERT INTO therapist SELECT 'therapist-' || n, 'therapist-' || n || '@practice.example' FROM generate_series(0, 9) n;

CREATE TABLE client (
  id uuid PRIMARY KEY, therapist text NOT NULL REFERENCES therapist, email text, name text,
  status text NOT NULL DEFAULT 'active', activation text UNIQUE, password bytea, salt bytea,
  customer text, card text
);
CREATE TABLE sign_in (token text PRIMARY KEY, client_id uuid NOT NULL REFERENCES client);
CREATE TABLE form (
  client_id uuid NOT NULL REFERENCES client, kind text NOT NULL, answers jsonb, signature text, answered_at timestamptz,
  PRIMARY KEY (client_id, kind)
);
CREATE TABLE appointment (
  id uuid PRIMARY KEY, client_id uuid NOT NULL REFERENCES client, starts_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL, charge_after interval NOT NULL, status text NOT NULL DEFAULT 'scheduled'
);
CREATE INDEX ON appointment (client_id);
CREATE TABLE payment (
  id uuid PRIMARY KEY REFERENCES appointment, client_id uuid NOT NULL REFERENCES client, amount integer NOT NULL,
  status text NOT NULL DEFAULT 'scheduled', due_at timestamptz NOT NULL, paid_at timestamptz, intent text
);
CREATE INDEX ON payment (client_id);
CREATE TABLE mail (
  key text PRIMARY KEY, client_id uuid NOT NULL REFERENCES client, template text NOT NULL,
  due_at timestamptz, sent_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON mail (client_id);
CREATE TABLE stripe_event (id text PRIMARY KEY);
