/** What arrives at the site: events, signed by Standard Webhooks. */

import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { Webhook, WebhookVerificationError } from "standardwebhooks";
import type { components } from "../.made/schema.d.ts";
import { setting } from "./settings.ts";

/** As the description has it: `data` is known by `kind`. */
export type Event = components["schemas"]["ListedEvents"]["items"][number];

const LONGEST = 100_000; // bytes; an event has some hundreds

/**
 * Hands on each event once, whatever arrives how often.
 *
 * `seen` is a table of your database in truth: written in one transaction with what the event changes.
 */
export function receiver(secret: string, heard: (event: Event) => void): Server {
  const signed = new Webhook(secret);
  const seen = new Set<string>();

  /** HTTP's status: any 2xx says that it need not be sent again. */
  function take(body: string, headers: IncomingHttpHeaders): number {
    let event: Event;
    try {
      event = signed.verify(body, headers as Record<string, string>) as Event; // raw, as it came
    } catch (error) {
      if (error instanceof WebhookVerificationError) return 401;
      throw error;
    }
    const id = String(headers["webhook-id"]);
    if (!seen.has(id)) {
      heard(event);
      seen.add(id);
    }
    return 204;
  }

  return createServer(async (request, response) => {
    const parts: Buffer[] = [];
    let length = 0;
    for await (const part of request) {
      length += part.length;
      if (length <= LONGEST) parts.push(part);
    }
    const status = length <= LONGEST ? take(Buffer.concat(parts).toString(), request.headers) : 413;
    response.writeHead(status).end();
  });
}

function appointmentOf(event: Event): string {
  switch (event.kind) {
    case "appointment.booked":
    case "appointment.moved":
      return event.data.appointment_id; // known by the kind
    default:
      return "";
  }
}

if (import.meta.main) {
  const server = receiver(setting("WEBHOOK_SECRET"), (event) => console.log(event.kind, appointmentOf(event)));
  server.listen(Number(setting("PORT")), "127.0.0.1", () => console.log("listening"));
}
