// SPDX-License-Identifier: Apache-2.0
// The style sheet. Colours after Okabe and Ito, darkened or lightened until each has a contrast of 4.5 with its ground,
// and every second line dashed, so that none needs its colour to be told apart.
#include "page/page.h"

namespace tickmlp::bench {
namespace {

constexpr const char* kColours = R"css(
:root { --ground:#fff; --raised:#f5f6f8; --ink:#16191d; --soft:#565d66; --rule:#d5d9de; --grid:#e6e9ec; --band:#f1f3f6;
  --good:#00644a; --good-ground:#e2f3ec; --bad:#a81c14; --bad-ground:#fbe7e4; --open:#734e00; --open-ground:#fdf1d6;
  --s0:#0067a5; --s1:#b84300; --s2:#007a58; --s3:#9b3a78; --s4:#6d5a00; --s5:#5a49b8; --s6:#00727d; --s7:#a3283f;
  --f0:#5f666e; --f1:#8b9299; }
)css";

constexpr const char* kDark = R"css(
@media screen and (prefers-color-scheme: dark) { :root { --ground:#14171b; --raised:#1e2228; --ink:#e9ecef;
  --soft:#a6aeb8; --rule:#3a4048; --grid:#2a2f36; --band:#1a1e23;
  --good:#6fdcb4; --good-ground:#123428; --bad:#ff9d90; --bad-ground:#431a17; --open:#f5cc70; --open-ground:#3a2d0e;
  --s0:#5fb8f0; --s1:#ff9a5c; --s2:#4fd3a8; --s3:#e79bcb; --s4:#e3d04a; --s5:#b3a6ff; --s6:#5fd3de; --s7:#ff94a6;
  --f0:#a6aeb8; --f1:#7e8791; } }
)css";

constexpr const char* kText = R"css(
* { box-sizing:border-box; }
html { -webkit-text-size-adjust:100%; }
body { margin:0 auto; padding:28px 24px 60px; max-width:1280px; background:var(--ground); color:var(--ink);
  font:16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
header { margin-bottom:18px; }
.kind { margin:0; color:var(--soft); letter-spacing:.04em; }
h1 { margin:0; font-size:30px; line-height:1.25; overflow-wrap:anywhere; }
.light { font-weight:400; color:var(--soft); font-size:.62em; }
h2 { margin:44px 0 8px; font-size:23px; } h3 { margin:18px 0 4px; font-size:17px; }
p { margin:6px 0 12px; max-width:76ch; overflow-wrap:anywhere; }
.note, small { color:var(--soft); font-size:13px; } .lead { font-size:18px; }
code { font-family:ui-monospace, "DejaVu Sans Mono", monospace; font-size:.92em; }
pre { background:var(--raised); padding:12px 16px; border-radius:6px; overflow-x:auto; }
.verdict { border-left:8px solid; border-radius:6px; padding:16px 22px 10px; }
.verdict h2 { margin:0; font-size:34px; }
.verdict.good { background:var(--good-ground); border-color:var(--good); }
.verdict.bad { background:var(--bad-ground); border-color:var(--bad); }
.verdict.open { background:var(--open-ground); border-color:var(--open); }
.reasons { margin:6px 0 10px; padding-left:22px; overflow-wrap:anywhere; }
.warning { font-weight:600; }
.badge { font-weight:700; white-space:nowrap; } .badge.good { color:var(--good); } .badge.bad { color:var(--bad); }
.badge.open { color:var(--open); } .badge.mute { color:var(--soft); }
.cards { display:grid; grid-template-columns:repeat(auto-fit, minmax(170px, 1fr)); gap:12px; margin:18px 0; }
.card { background:var(--raised); border-radius:6px; padding:12px 16px; }
.card b { display:block; font-size:26px; font-variant-numeric:tabular-nums; }
.card span { color:var(--soft); font-size:13px; line-height:1.35; display:block; }
.budget-row { display:grid; grid-template-columns:minmax(0, 1fr) minmax(0, 400px); gap:8px 28px; align-items:center;
  border-top:1px solid var(--rule); padding:6px 0 10px; }
.groups { columns:2; column-gap:44px; } .group { break-inside:avoid-column; } .group h3 { margin-top:0; }
dl { display:grid; grid-template-columns:minmax(110px, 3fr) 5fr; gap:2px 14px; margin:6px 0 18px; font-size:14px; }
dt { color:var(--soft); overflow-wrap:anywhere; } dd { margin:0; overflow-wrap:anywhere; }
)css";

constexpr const char* kTables = R"css(
.scroll { overflow-x:auto; margin:10px 0; } .scroll:focus-visible { outline:2px solid var(--s0); }
table { border-collapse:collapse; width:100%; font-size:14px; font-variant-numeric:tabular-nums; }
caption { text-align:left; color:var(--soft); font-size:13px; padding:4px 0; }
th, td { padding:6px 9px; text-align:left; vertical-align:top; border-bottom:1px solid var(--rule); }
thead th { color:var(--soft); font-weight:600; white-space:nowrap; }
tbody th { font-weight:600; }
.figures th + th, .figures td, .numbers th + th, .numbers td { text-align:right; white-space:nowrap; }
.figures tbody th { min-width:128px; width:142px; position:sticky; left:0; background:var(--ground); }
.figures { font-size:12.5px; } .figures b { font-weight:600; }
.figures small { display:block; font-size:10.5px; font-weight:400; white-space:normal; }
.figures td, .figures th { padding:6px 5px; }
.runs, .note i { font-style:italic; }
.audit td { overflow-wrap:anywhere; } .audit { font-size:13.5px; }
.pairs { display:grid; grid-template-columns:repeat(auto-fit, minmax(min(430px, 100%), 1fr)); gap:0 44px; }
.pairs caption { position:absolute; clip-path:inset(50%); }
details { border-top:1px solid var(--rule); padding:6px 0; } summary { cursor:pointer; font-weight:600; }
)css";

constexpr const char* kCharts = R"css(
figure { margin:18px 0 26px; max-width:1040px; } figcaption { font-weight:600; }
svg { display:block; width:100%; height:auto; } svg.narrow { display:none; } svg.budget { max-width:400px; }
svg text { font:12.5px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill:var(--ink); }
svg .tick, svg .name { fill:var(--soft); } svg .end { text-anchor:end; } svg .middle { text-anchor:middle; }
svg .halo { paint-order:stroke; stroke:var(--ground); stroke-width:5px; }
svg .sign { font-size:15px; font-weight:700; }
.grid { stroke:var(--grid); } .axis { stroke:var(--soft); }
.band { fill:var(--ground); } .band.odd { fill:var(--band); }
.line { fill:none; stroke-width:2; stroke-linejoin:round; } .leader { fill:none; stroke-width:1.2; }
.dot { stroke:var(--ground); stroke-width:1; } .mark { stroke:var(--soft); stroke-dasharray:2 3; }
.s0 { stroke:var(--s0); } .s1 { stroke:var(--s1); stroke-dasharray:7 3; } .s2 { stroke:var(--s2); }
.s3 { stroke:var(--s3); stroke-dasharray:3 2; } .s4 { stroke:var(--s4); }
.s5 { stroke:var(--s5); stroke-dasharray:9 3 2 3; }
.s6 { stroke:var(--s6); } .s7 { stroke:var(--s7); stroke-dasharray:1.5 2; }
.f0 { stroke:var(--f0); stroke-dasharray:5 4; } .f1 { stroke:var(--f1); stroke-dasharray:2 4; }
.leader { stroke-dasharray:none; opacity:.5; }
.dot { stroke-dasharray:none; stroke:var(--ground); } .dot.s0 { fill:var(--s0); } .dot.s1 { fill:var(--s1); }
.dot.s2 { fill:var(--s2); } .dot.s3 { fill:var(--s3); } .dot.s4 { fill:var(--s4); } .dot.s5 { fill:var(--s5); }
.dot.s6 { fill:var(--s6); } .dot.s7 { fill:var(--s7); }
.dot.f0 { fill:var(--f0); } .dot.f1 { fill:var(--f1); }
.beyond { fill:var(--bad-ground); } .limit { stroke:var(--bad); stroke-width:2.5; } .interval { fill:var(--s0); }
.value { stroke:var(--ink); stroke-width:2; }
.good text, text.good { fill:var(--good); } text.bad { fill:var(--bad); } text.open { fill:var(--open); }
)css";

constexpr const char* kNarrowAndPrint = R"css(
@media screen and (max-width: 700px) { body { padding:16px 14px 40px; font-size:15px; } h1 { font-size:25px; }
  svg.wide { display:none; } svg.narrow { display:block; } .budget-row { grid-template-columns:minmax(0, 1fr); }
  .groups { columns:1; } .figures tbody th { min-width:104px; max-width:128px; font-size:12px; }
  .verdict h2 { font-size:27px; } .cards { grid-template-columns:repeat(2, minmax(0, 1fr)); }
  .card b { font-size:21px; }
  .audit, .audit tbody, .audit tr, .audit th, .audit td { display:block; border:0; padding:1px 0; }
  .audit thead { display:none; } .audit tr { border-bottom:1px solid var(--rule); padding:8px 0; } }
@media print { @page { size:A4; margin:14mm 12mm; } body { max-width:none; padding:0; font-size:10pt; }
  h2 { font-size:14pt; margin-top:18pt; break-after:avoid; } h3, figcaption, caption { break-after:avoid; }
  figure, tr, .budget-row, .verdict, .cards, .group { break-inside:avoid; } figure { margin:6pt 0; max-width:158mm; }
  section > p { break-after:avoid; }
  .scroll { overflow:visible; } .figures { font-size:6.8pt; } .figures small { font-size:5.6pt; }
  .figures b { font-size:6.6pt; } .pairs { grid-template-columns:1fr 1fr; gap:0 16pt; }
  .plain th, .plain td { padding:2pt 4pt; }
  .figures td, .figures th { padding:2pt 2.2pt; } .figures tbody th { min-width:0; width:62pt; position:static; }
  .audit, .plain { font-size:7.5pt; } dl { font-size:8pt; } .note, small { font-size:7.5pt; }
  .cards { grid-template-columns:repeat(5, 1fr); gap:6pt; } .card b { font-size:14pt; } .card span { font-size:7.5pt; }
  .verdict, .card, .beyond, .interval, .band { print-color-adjust:exact; -webkit-print-color-adjust:exact; }
  details::details-content { content-visibility:visible; height:auto; display:block; } }
)css";

}  // namespace

std::string style_sheet() {
  return std::string(kColours + 1) + (kDark + 1) + (kText + 1) + (kTables + 1) + (kCharts + 1) + (kNarrowAndPrint + 1);
}

}  // namespace tickmlp::bench
