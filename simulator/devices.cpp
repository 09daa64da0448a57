#include "simulator/devices.h"

#include "base/strings.h"
#include "simulator/guid.h"

namespace driftwarden::simulator {

std::vector<SimulatedDevice> Devices::Own(uint64_t person) const {
  std::vector<SimulatedDevice> devices;
  if (const auto set = set_.find(person); set != set_.end()) {
    devices = set->second;
  } else {
    const std::string sam = people_.SamOf(person);
    const uint64_t hash = HashPair(seed_, person);
    SimulatedDevice laptop;
    laptop.name = Cat("LT-", sam);
    laptop.trust = hash % 4 == 0 ? "AzureAd" : "ServerAd";
    devices.push_back(laptop);
    if (hash % 3 != 0) {
      SimulatedDevice phone;
      phone.name = Cat(sam, "'s phone");
      phone.operating_system = hash % 2 == 0 ? "IPhone" : "AndroidForWork";
      phone.trust = "Workplace";
      devices.push_back(phone);
    }
  }
  for (size_t i = 0; i < devices.size(); ++i) {
    const uint64_t number = person * kMostOfOnePerson + i;
    devices[i].id = GuidText(GuidFrom(seed_, number));
    devices[i].device_id = GuidText(GuidFrom(seed_ ^ 0xd1, number));
  }
  return devices;
}

std::vector<SimulatedDevice> Devices::Of(uint64_t person) const {
  std::vector<SimulatedDevice> devices = Own(person);
  for (const auto& [owner, set] : set_) {
    if (owner == person) continue;
    for (SimulatedDevice& device : Own(owner)) {
      for (const uint64_t user : device.shared_with) {
        if (user != person) continue;
        device.owned = false;
        device.registered = true;
        devices.push_back(device);
      }
    }
  }
  return devices;
}

std::optional<std::vector<uint64_t>> Devices::UsersOf(std::string_view device) const {
  const auto raw = GuidFromText(device);
  if (!raw) return std::nullopt;
  uint64_t scattered = 0;
  for (int i = 5; i >= 0; --i) scattered = scattered << 8 | static_cast<uint8_t>((*raw)[i]);
  const uint64_t owner = Gather48(seed_, scattered) / kMostOfOnePerson;
  if (owner >= people_.count()) return std::nullopt;
  for (const SimulatedDevice& own : Own(owner)) {
    if (own.id != GuidText(*raw)) continue;
    std::vector<uint64_t> users;
    if (own.registered) users.push_back(owner);
    users.insert(users.end(), own.shared_with.begin(), own.shared_with.end());
    return users;
  }
  return std::nullopt;
}

void Devices::Set(uint64_t person, std::vector<SimulatedDevice> devices) {
  if (devices.size() > kMostOfOnePerson) devices.resize(kMostOfOnePerson);
  set_[person] = std::move(devices);
}

}  // namespace driftwarden::simulator
