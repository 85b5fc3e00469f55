// Tokens as the front ends' back ends would make them (k6): three issuers share the city between them, and a person's
// token is the same in the whole run, as a phone keeps its own.

import crypto from 'k6/crypto';
import encoding from 'k6/encoding';
import { settings } from './settings.ts';

interface TokenKey {
  readonly iss: string;
  readonly kid: string;
  readonly alg: 'HS256';
  readonly k: string;
}

const keys = JSON.parse(open(settings.tokenKeys)) as TokenKey[];
const LIFETIME_S = 12 * 3_600;
/** What a gate takes lives two minutes at most. */
const GATE_LIFETIME_S = 110;

const base64url = (text: string) => encoding.b64encode(text, 'rawurl');

/** A multiple of three bytes: what follows can be encoded apart from it. Spaces are nothing in JSON. */
const padded = (text: string) => text + ' '.repeat((3 - (text.length % 3)) % 3);

const issuers = keys.map(({ iss, kid, k }) => ({
  iss: JSON.stringify(iss),
  header: base64url(JSON.stringify({ alg: 'HS256', typ: 'JWT', kid })),
  secret: encoding.b64decode(k, 'rawurl'),
}));

function beginOf(issuer: number, door: string, iat: number, exp: number): string {
  const { header, iss } = issuers[issuer] as (typeof issuers)[number];
  const claims = `{"iss":${iss},"aud":"${door}","iat":${iat},"exp":${exp},"sub":`;
  return `${header}.${base64url(padded(claims))}`;
}

function sign(issuer: number, begin: string, subject: string): string {
  const body = begin + base64url(`"${subject}"}`);
  const { secret } = issuers[issuer] as (typeof issuers)[number];
  return `${body}.${crypto.hmac('sha256', secret, body, 'base64rawurl')}`;
}

const phoneBegins: string[] = [];

/** @param fromMs when it was made: the same for a person in the whole run */
export function phoneToken(index: number, subject: string, fromMs: number): string {
  const issuer = index % issuers.length;
  const iat = Math.floor(fromMs / 1_000);
  phoneBegins[issuer] ??= beginOf(issuer, 'lookup-http', iat, iat + LIFETIME_S);
  return sign(issuer, phoneBegins[issuer] as string, subject);
}

/** What the phone shows as a QR code: made now. */
export function gateToken(index: number, subject: string, nowMs: number): string {
  const issuer = index % issuers.length;
  const iat = Math.floor(nowMs / 1_000);
  return sign(issuer, beginOf(issuer, 'lookup-gate', iat, iat + GATE_LIFETIME_S), subject);
}
