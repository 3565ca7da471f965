/** What an owner can set for the whole instance, with defaults. */

export interface InstanceSettings {
  /** No push, no pull: requests are remembered and carried out when this is lifted. */
  readonly silentModeEnabled: boolean;
  /** Between the starts of two runs of one mirror. */
  readonly pushMinIntervalSeconds: number;
  /** Between an end of a pull mirror's run and the next scheduled one. */
  readonly pullIntervalSeconds: number;
  /** "Update now" of a pull mirror waits this long after the end of its last update. */
  readonly pullMinIntervalSeconds: number;
  /** Push mirrors are compared this often, because webhooks get lost. */
  readonly reconcileIntervalSeconds: number;
  /** Runs at once against one host. */
  readonly maxRunsPerHost: number;
  readonly maxDeletionsPercent: number;
}

export const defaultInstanceSettings: InstanceSettings = {
  silentModeEnabled: false,
  pushMinIntervalSeconds: 10,
  pullIntervalSeconds: 30 * 60,
  pullMinIntervalSeconds: 300,
  reconcileIntervalSeconds: 6 * 3600,
  maxRunsPerHost: 8,
  maxDeletionsPercent: 50,
};
