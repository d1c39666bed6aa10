/** Where the practice's API is, who asks it, and for whom. */

import { createHmac } from "node:crypto";
import createClient from "openapi-fetch";
import type { paths } from "../.made/schema.d.ts";
import { setting } from "./settings.ts";

const KEY = setting("SITE_API_KEY");

export const api = createClient<paths>({
  baseUrl: setting("API_URL"),
  headers: { Authorization: `Bearer ${KEY}` },
});

/** One visitor's. `speaks`: what stands in `On-Behalf-Of`, the pass first and the person's own token later. */
export interface Journey {
  readonly clientId: string;
  readonly therapist: string;
  readonly speaks: string;
  readonly visitor: string;
}

/** The API answered something else than this program knows what to do with. */
export class OtherAnswer extends Error {}

export function wanted<Data>(answer: { data?: Data; error?: unknown; response: Response }): Data {
  if (answer.data !== undefined) return answer.data;
  throw new OtherAnswer(`HTTP ${answer.response.status}: ${JSON.stringify(answer.error)}`);
}

type NameOf<Problem> = Problem extends { type: `${string}/problems/${infer Name}` } ? Name : never;

/** Whether a refusal has this name. A name that the call does not know does not compile. */
export function is<Problem extends { type: string }, Name extends NameOf<Problem>>(
  refusal: Problem,
  name: Name,
): refusal is Extract<Problem, { type: `${string}/problems/${Name}` }> {
  return refusal.type.endsWith(`/problems/${name}`);
}

/** The same mark for the same network address, which names nobody: budgets count by it. */
export function visitorOf(address: string): string {
  return createHmac("sha256", KEY).update(address).digest("hex");
}
