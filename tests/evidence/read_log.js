// SPDX-License-Identifier: Apache-2.0
// usage: NODE_PATH=node_modules node read_log.js LOG.hlog
// What hdr-histogram-js sees in a log, as JSON: each line's figures, and each series' with its table.
const fs = require("fs");
const { HistogramLogReader } = require("hdr-histogram-js");

const PERCENTILES = ["50", "90", "95", "99", "99.9", "99.99", "99.999", "100"];
const BITS = 64; // the default of 32 wraps round without a word

function figures(histogram) {
  const percentiles = PERCENTILES.map((p) => [p, histogram.getValueAtPercentile(Number(p))]);
  return { count: histogram.totalCount, percentiles: Object.fromEntries(percentiles), max: histogram.maxValue };
}

const log = new HistogramLogReader(fs.readFileSync(process.argv[2], "utf8"), BITS);
const lines = [];
const series = {};
for (let histogram = log.nextIntervalHistogram(); histogram !== null; histogram = log.nextIntervalHistogram()) {
  const { tag, startTimeStampMsec, endTimeStampMsec } = histogram;
  lines.push({ ...figures(histogram), tag, startTimeStampMsec, endTimeStampMsec });
  const id = tag.slice(0, tag.lastIndexOf(".run-"));
  if (id in series) series[id].add(histogram);
  else series[id] = histogram;
}
const tables = {};
for (const [id, sum] of Object.entries(series))
  tables[id] = { ...figures(sum), table: sum.outputPercentileDistribution(5, 1) };
process.stdout.write(JSON.stringify({ lines, series: tables }));
