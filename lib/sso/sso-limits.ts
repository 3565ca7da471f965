/** Every limit of single sign-on, each with its reason. */

export const ssoLimits = {
  /** Identity providers of one instance: as many buttons as people look through. */
  providers: 10,
  /** Groups that a provider's settings name. A secret holds 64 KB. */
  grants: 500,
  /** The same as of a token. */
  grantProjects: 100,
  textCharacters: 255,
  urlCharacters: 1000,
  /** `sub` has at most 255 ASCII characters (OpenID Connect Core, 5.1). */
  subjectCharacters: 255,
  nameCharacters: 120,
  /** One answer of a provider: an ID token with 10,000 groups has some 400 KB. */
  answerBytes: 1024 * 1024,
  /** One request to a provider. A sign-in needs up to four, and API Gateway gives up after 29 s. */
  requestMs: 6_000,
  /** A provider's metadata are read anew after this; its keys whenever a signature names an unknown one. */
  metadataMs: 10 * 60_000,
  /** Between clocks: what NTP has not set yet. */
  skewSeconds: 30,
  /** A sign-in that would end sooner is refused: who is sent back to the provider at once would go round in circles. */
  leastSessionMs: 60_000,
  /** Of what a provider says about a refusal. */
  wordsCharacters: 300,
} as const;
