#pragma once

// The devices of a tenant's people: a few for everybody, by arithmetic, until somebody is given
// others. One that is shared has more registered users than its owner.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "simulator/people.h"

namespace driftwarden::simulator {

struct SimulatedDevice {
  std::string name;
  std::string operating_system = "Windows";
  std::string trust = "AzureAd";  // AzureAd, ServerAd, Workplace; empty: null
  bool enabled = true;
  bool owned = true;
  bool registered = true;
  std::vector<uint64_t> shared_with;
  // Set by Devices.
  std::string id;
  std::string device_id;
};

class Devices {
 public:
  static constexpr size_t kMostOfOnePerson = 64;

  // `people` must outlive it.
  Devices(uint64_t seed, const People& people) : seed_(seed), people_(people) {}

  // Those the person owns, and those shared with them.
  std::vector<SimulatedDevice> Of(uint64_t person) const;
  // Who is registered on it, the owner first; nothing: there is no such device.
  std::optional<std::vector<uint64_t>> UsersOf(std::string_view device) const;
  // At most kMostOfOnePerson are kept.
  void Set(uint64_t person, std::vector<SimulatedDevice> devices);

 private:
  std::vector<SimulatedDevice> Own(uint64_t person) const;

  const uint64_t seed_;
  const People& people_;
  std::map<uint64_t, std::vector<SimulatedDevice>> set_;
};

}  // namespace driftwarden::simulator
