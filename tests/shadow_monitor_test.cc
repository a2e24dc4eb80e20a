// SPDX-License-Identifier: Apache-2.0
// A shadow's figures in the monitor's texts.
#include <cmath>

#include "monitored.h"
#include "shadow_pair.h"

using namespace tickmlp::testing;

TEST_CASE("agreement and latency in the monitor's texts") {
  Pair pair("tactical-int8", 11);
  Monitored m;
  m.source = {};
  m.source.model = pair.candidate;
  m.source.recorder = tickmlp_shadow_recorder(pair.shadow);
  m.source.session = tickmlp_shadow_session(pair.shadow);
  m.source.shadow = pair.shadow;
  m.source.path = "shadow";
  m.source.core = -1;
  for (uint64_t i = 0; i < 16; ++i) REQUIRE(pair.offer(i) == 1);
  REQUIRE(tickmlp_shadow_work(pair.shadow, 100) == 16);
  const std::string text = m.text();
  const tickmlp_shadow_figures figures = pair.figures();
  CHECK_EQ(value(text, "tickmlp_inferences_total"), "16");
  CHECK_EQ(value(text, "tickmlp_interval_samples"), "16");
  CHECK_EQ(value(text, "tickmlp_shadow_offered_total"), "16");
  CHECK_EQ(value(text, "tickmlp_shadow_dropped_total"), "0");
  CHECK_EQ(value(text, "tickmlp_shadow_compared_total"), "16");
  CHECK_EQ(value(text, "tickmlp_shadow_identical_total"), "0");
  CHECK_EQ(value(text, "tickmlp_shadow_same_argmax_total"), std::to_string(figures.same_argmax));
  const double written = std::stod(value(text, "tickmlp_shadow_largest_probability_difference"));
  CHECK(std::fabs(written - figures.largest_probability_difference) <= 1e-9);  // nine decimals
  const std::string json = m.text(tickmlp_monitor_json);
  CHECK(json.find("\"shadow\":{\"offered\":16,\"dropped\":0,\"compared\":16,\"refused\":0,\"identical\":0,"
                  "\"same_argmax\":") != std::string::npos);
  m.source.shadow = nullptr;  // a source without one has no such lines
  CHECK_EQ(values(m.text(), "tickmlp_shadow_offered_total{").size(), 0);
  CHECK(std::string(m.text(tickmlp_monitor_json)).find("\"shadow\":{") == std::string::npos);
}
