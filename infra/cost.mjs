/** Prints the table of docs/cost.md: what a month costs, from measured figures and list prices (`node infra/cost.mjs`). */
import { readFileSync } from 'node:fs';

/** @type {import('./cost-figures.json')} */
const figures = JSON.parse(readFileSync(new URL('cost-figures.json', import.meta.url), 'utf8'));
const { measured, fromTheTable, assumed, prices, scenarios } = figures;

/** Of 1,769 MB, which have one CPU. */
const cpuOf = { worker: 256 / 1769 };
const gb = { worker: 0.25, webhook: 0.5, schedule: 0.5 };
const runsByScheduleADay = 4;
const ticksADay = 24 * 60;
/** Lambda polls a queue with 5 connections at least, each for 20 seconds; there are three queues. */
const pollsADay = (3 * 5 * 24 * 3600) / 20;
const customMetrics = 10;
const alarms = 16;

/** @param {(typeof scenarios)[number]} scenario @returns {Record<string, number>} dollars a month, by service */
function costOf({ mirrors, pushesPerDay, secrets, tickFanOut }) {
  const days = assumed.daysPerMonth;
  const changes = mirrors * pushesPerDay * days;
  const reconciliations = mirrors * runsByScheduleADay * days;
  const runs = changes + reconciliations;
  const ticks = ticksADay * days * tickFanOut;
  const seconds = {
    withChange: measured.changeCpuSeconds / cpuOf.worker + assumed.roundTripsWithChange * assumed.roundTripSeconds,
    withoutChange: measured.noChangeCpuSeconds / cpuOf.worker + assumed.roundTripsWithoutChange * assumed.roundTripSeconds,
  };
  const gbSeconds =
    gb.worker * (changes * seconds.withChange + reconciliations * seconds.withoutChange) +
    gb.webhook * changes * assumed.webhookSeconds +
    gb.schedule * (ticks * assumed.idleTickSeconds + reconciliations * measured.tickSecondsPerMirror);
  const writes =
    changes * (measured.event.writeUnits + fromTheTable.indexWritesOfEvent) +
    changes * measured.runWithChange.writeUnits +
    reconciliations * measured.runWithoutChange.writeUnits +
    runs * (fromTheTable.indexWritesOfRun + fromTheTable.writesOfSecondHost) +
    reconciliations * (measured.scheduledMirror.writeUnits + fromTheTable.indexWritesOfScheduledMirror) +
    ticks * measured.idleTick.writeUnits;
  // Each part of a tick reads its shards; the settings are read by all.
  const reads =
    changes * measured.event.readUnits +
    runs * (measured.runWithoutChange.readUnits + fromTheTable.readsOfHosts) +
    ticks * measured.idleTick.readUnits;
  const tableGb = (mirrors * assumed.tableBytesPerMirror + (runs / days) * assumed.runRetentionDays * assumed.tableBytesPerRun) / 1e9;
  // Received and deleted one by one; a tick sends ten at once.
  const messages = changes * (measured.event.sqs + 2) + reconciliations * (measured.scheduledMirror.sqs + 2) + pollsADay * days;
  // Two ends a run, where each has a secret of its own; shared ones are cached for a minute.
  const secretReads = secrets >= mirrors ? runs * 2 : Math.min(runs * 2, secrets * 60 * 24 * days * 10);
  const logGb = (runs * assumed.logBytesPerRun + changes * assumed.logBytesPerEvent) / 1e9;
  return {
    Lambda: gbSeconds * prices.lambdaGbSecond + (changes + runs + ticks) * prices.lambdaRequest,
    'API Gateway': changes * prices.httpApiRequest,
    DynamoDB:
      writes * prices.dynamoWriteUnit + reads * prices.dynamoReadUnit + tableGb * (prices.dynamoGbMonth + prices.pointInTimeGbMonth),
    SQS: messages * prices.sqsRequest,
    'Secrets Manager': (secrets + 2) * prices.secretMonth + secretReads * prices.secretRequest,
    CloudWatch: logGb * prices.logGb + customMetrics * prices.customMetricMonth + alarms * prices.alarmMonth + prices.dashboardMonth,
    Transfer: ((changes * assumed.bytesPerChange) / 1e9) * prices.transferOutGb,
  };
}

/** A job of GitHub Actions per push and reconciliation, each billed as one minute at least. @param {(typeof scenarios)[number]} scenario */
function actionsCost({ mirrors, pushesPerDay }) {
  return mirrors * (pushesPerDay + runsByScheduleADay) * assumed.daysPerMonth * prices.githubActionsLinuxMinute;
}

/** @param {number} dollars */
function money(dollars) {
  return `$${dollars >= 100 ? Math.round(dollars).toLocaleString('en') : dollars.toFixed(2)}`;
}

const services = Object.keys(costOf(/** @type {never} */ (scenarios[0])));
const rows = scenarios.map((scenario) => {
  const cost = costOf(scenario);
  const total = Object.values(cost).reduce((sum, each) => sum + each, 0);
  return [scenario.name, ...services.map((service) => money(cost[service] ?? 0)), `**${money(total)}**`, money(actionsCost(scenario))];
});
const head = ['a month', ...services, 'together', 'GitHub Actions'];
process.stdout.write(`${[head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`);
