/**
 * A booking site without pages: one visitor's way from the matching form to an appointment, by the generated types.
 *
 * Three times it is refused, and goes on by the name of what refused it. What it asks twice happens once.
 */

import { deepStrictEqual } from "node:assert";
import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import type { components } from "../.made/schema.d.ts";
import { api, is, type Journey, OtherAnswer, visitorOf, wanted } from "./connection.ts";
import { setting } from "./settings.ts";

type Schemas = components["schemas"];
type Booked = Schemas["BookedView"];
type Kind = Schemas["AppointmentType"];

const ZONE = "America/New_York";

async function showTherapists(): Promise<string[]> {
  const listed = wanted(await api.GET("/v1/therapists", { params: { query: { accepting_clients: true } } }));
  return listed.items.map((therapist) => `${therapist.name} (${therapist.slug})`);
}

async function fillInTheForm(visitor: string): Promise<Journey> {
  const form = wanted(await api.GET("/v1/matching-form"));
  const concerns = form.concerns.filter((word) => word.offered_by > 0).map((word) => word.code);
  return journeyOf(
    {
      source: "matching_form",
      answers: { state: "NY", modality: "individual", concerns: concerns.slice(0, 2), languages: ["en"] },
    },
    visitor,
  );
}

function comeTo(therapist: string, visitor: string): Promise<Journey> {
  return journeyOf({ source: "direct_booking", therapist }, visitor);
}

async function journeyOf(body: Schemas["JourneyBody"], visitor: string): Promise<Journey> {
  const header = { "Idempotency-Key": randomUUID(), Visitor: visitor };
  const begun = wanted(await api.POST("/v1/journeys", { params: { header }, body }));
  if (!begun.match?.therapist || !begun.pass) {
    throw new OtherAnswer("Nobody fits: the care team looks for somebody, and the page says so.");
  }
  return { clientId: begun.client_id, therapist: begun.match.therapist, speaks: `Bearer ${begun.pass}`, visitor };
}

async function whatIsOffered(journey: Journey): Promise<Kind> {
  const params = { path: { client_id: journey.clientId }, header: speaking(journey) };
  const { offers } = wanted(await api.GET("/v1/clients/{client_id}/offers", { params }));
  const first = offers.find((offer) => offer.offered);
  if (first === undefined) throw new OtherAnswer("Nothing may be booked now.");
  return first.type;
}

async function freeTimes(journey: Journey, type: Kind): Promise<string[]> {
  const params = { path: { slug: journey.therapist }, query: { type, time_zone: ZONE } };
  const { days } = wanted(await api.GET("/v1/therapists/{slug}/slots", { params }));
  return days.flatMap((day) => day.slots.map((slot) => slot.starts_at));
}

async function hold(journey: Journey, type: Kind, startsAt: string): Promise<string> {
  const header = { ...speaking(journey), "Idempotency-Key": randomUUID() };
  const held = wanted(
    await api.POST("/v1/therapists/{slug}/holds", {
      params: { path: { slug: journey.therapist }, header },
      body: { type, starts_at: startsAt },
    }),
  );
  return held.hold_id;
}

/** Its name, and what to go on with: details that are missing, other times, or forms. */
class Refusal {
  readonly name: string;
  readonly instead: readonly string[];

  constructor(name: string, instead: readonly string[]) {
    this.name = name;
    this.instead = instead;
  }
}

/** `key` is of this one wish: sent again, however often, it is answered as it was. */
async function book(journey: Journey, wish: Schemas["BookingBody"], key: string): Promise<Booked | Refusal> {
  const { data, error } = await api.POST("/v1/clients/{client_id}/appointments", {
    params: { path: { client_id: journey.clientId }, header: { ...speaking(journey), "Idempotency-Key": key } },
    body: wish,
  });
  if (data !== undefined) return data;
  if (is(error, "client-details-required")) return new Refusal("client-details-required", error.missing);
  if (is(error, "slot-taken")) {
    return new Refusal("slot-taken", error.alternatives.map((free) => free.starts_at));
  }
  if (is(error, "intake-forms-incomplete")) return new Refusal("intake-forms-incomplete", error.outstanding);
  throw new OtherAnswer(JSON.stringify(error));
}

/** The page of `/activate/<token>`: from here on the site speaks for a person who has signed in. */
async function activate(journey: Journey, token: string): Promise<Journey> {
  const header = { Visitor: journey.visitor, "Idempotency-Key": randomUUID() };
  const body = { token, password: "a long made-up password" }; // the client types it
  const signedIn = wanted(await api.POST("/v1/activations", { params: { header }, body }));
  return { ...journey, speaks: `Bearer ${signedIn.token}` };
}

async function read(journey: Journey, appointmentId: string): Promise<Schemas["AppointmentView"]> {
  const params = { path: { appointment_id: appointmentId }, header: speaking(journey) };
  return wanted(await api.GET("/v1/appointments/{appointment_id}", { params }));
}

function speaking(journey: Journey) {
  return { "On-Behalf-Of": journey.speaks, Visitor: journey.visitor };
}

/** What a client clicks in the mail; here it is read where the local stack keeps all mails. */
async function mailedLink(address: string): Promise<string> {
  for (let look = 0; look < 60; look++) {
    const outbox = await fetch(`${setting("MAILS_URL")}/outbox?to=${encodeURIComponent(address)}`);
    for (const mail of (await outbox.json()) as { text: string }[]) {
      const token = /\/activate\/(\S+)/.exec(mail.text)?.[1];
      if (token !== undefined) return token;
    }
    await setTimeout(500);
  }
  throw new OtherAnswer(`No mail with a link came to ${address}.`);
}

function detailsOf(firstName: string) {
  const email = `${firstName.toLowerCase()}.${randomUUID()}@example.com`;
  return { first_name: firstName, last_name: "Lind", email, phone: "+12125550100", time_zone: ZONE };
}

function mustBeRefused(name: string, answer: Booked | Refusal): void {
  if (!(answer instanceof Refusal) || answer.name !== name || answer.instead.length === 0) {
    throw new OtherAnswer(`${name} was expected, and not ${JSON.stringify(answer)}`);
  }
  console.log(`refused, ${name}: ${answer.instead.join(", ")}`);
}

function last<Item>(items: readonly Item[]): Item {
  const item = items.at(-1);
  if (item === undefined) throw new OtherAnswer("Nothing is free.");
  return item;
}

function only<Item>(items: readonly Item[]): Item {
  if (items.length !== 1) throw new OtherAnswer(`One was expected, and ${items.length} came.`);
  return last(items);
}

console.log(`therapists: ${(await showTherapists()).join(", ")}`);
let sara = await fillInTheForm(visitorOf("203.0.113.7"));
const type = await whatIsOffered(sara);
const startsAt = last(await freeTimes(sara, type));
const wish = { type, starts_at: startsAt, mode: "video", hold_id: await hold(sara, type, startsAt) } as const;
console.log(`${sara.therapist} offers ${type}, and ${startsAt} is held`);
mustBeRefused("client-details-required", await book(sara, wish, randomUUID()));

const details = detailsOf("Sara");
const key = randomUUID();
const booked = await book(sara, { ...wish, details }, key);
deepStrictEqual(await book(sara, { ...wish, details }, key), booked, "sent twice, it is one booking with one answer");
if (booked instanceof Refusal) throw new OtherAnswer(`Not booked: ${booked.name}`);
const appointment = only(booked.appointments);
console.log(`booked, and the same again by the same key: ${appointment.id}`);

const tom = await comeTo(sara.therapist, visitorOf("198.51.100.9"));
const late = { type, starts_at: startsAt, mode: "video", details: detailsOf("Tom") } as const;
mustBeRefused("slot-taken", await book(tom, late, randomUUID()));

sara = await activate(sara, await mailedLink(details.email));
const another = { type: "session", starts_at: last(await freeTimes(sara, "session")), mode: "video" } as const;
mustBeRefused("intake-forms-incomplete", await book(sara, another, randomUUID()));

const seen = await read(sara, appointment.id);
console.log(`the appointment is ${seen.status}, from ${seen.starts_at} to ${seen.ends_at}`);
