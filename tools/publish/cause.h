// SPDX-License-Identifier: Apache-2.0
// Why a publication did not happen: a name and an exit code each, promised in docs/TRAINING_CYCLE.md.
#pragma once

#include <string>

namespace tickmlp::publish {

struct Cause {
  int exit_code;
  const char* name;
};
inline constexpr Cause kUsage{2, "usage"};
inline constexpr Cause kRefusedInput{4, "refused-input"};            // the blob: what the loader says of it
inline constexpr Cause kGenerationTooLow{20, "generation-too-low"};  // not above what was published before
inline constexpr Cause kAlreadyCurrent{21, "already-current"};       // the same bytes
inline constexpr Cause kRaceLost{22, "race-lost"};                   // `current` is not what the caller expected
inline constexpr Cause kBusy{23, "busy"};                            // another publisher holds the folder
inline constexpr Cause kOtherModel{24, "other-model"};               // another name, or another input or output
inline constexpr Cause kCannotWrite{25, "cannot-write"};             // `current` is as it was
inline constexpr Cause kNotDurable{26, "not-durable"};               // published, but perhaps not after a power cut
inline constexpr Cause kDamagedFolder{27, "damaged-folder"};         // `current`, or a file of this name, is not ours
inline constexpr Cause kWrongSignature{29, "wrong-signature"};       // not one of this blob, by its trusted comment
inline constexpr Cause kOutcomeLost{31, "outcome-lost"};             // published, but nobody could be told

// Thrown by this program only; main prints it and exits.
struct Refusal {
  Cause cause;
  std::string message;  // what was seen, what was expected
};
[[noreturn]] inline void refuse(Cause cause, std::string message) {
  throw Refusal{cause, static_cast<std::string&&>(message)};
}
// The same with the reason that errno gives.
[[noreturn]] void refuse_errno(Cause cause, const std::string& what, const std::string& expected);

}  // namespace tickmlp::publish
