#pragma once

// A policy that differs from the one before begins a new epoch: it stands in the evidence in the
// same commit as the first thing that is decided by it, and everybody is judged anew.

#include <map>
#include <string>
#include <vector>

#include "monitor/person.h"
#include "monitor/policy.h"

namespace driftwarden::monitor {

// The policy that commands are judged by, and who put it in force.
struct PolicyStamp {
  std::string actor;  // a token's name, uid:NAME, SIGHUP; "start" when the program was started
  std::map<std::string, std::string> parts;
};

// A digest of each part of the policy, by the part's name. They are compared, never read back.
std::map<std::string, std::string> PolicyParts(const Policy& policy);
PolicyStamp StampOf(const Policy& policy, std::string actor);
// One digest over all parts, hex.
std::string PolicyHash(const std::map<std::string, std::string>& parts);
// The names of parts that differ.
std::vector<std::string> ChangedParts(const std::map<std::string, std::string>& before,
                                      const std::map<std::string, std::string>& after);
// Everybody there was when the epoch began is judged by it.
inline bool IsJudged(const PolicyEpoch& epoch) {
  return epoch.judged >= epoch.judge_to;
}

}  // namespace driftwarden::monitor
