// device_enabled opens when somebody has converged and a device that is registered with or joined
// to Entra, not to AD, is still enabled in their name. It clears when a later reading shows none,
// or when the person is live in Entra or enabled in AD again.

#include <algorithm>

#include "monitor/rules.h"

namespace driftwarden::monitor {
namespace {

constexpr char kDeviceSentence[] =
    "device_enabled opens when somebody has converged and a device that is registered with or "
    "joined to Entra, not to AD, is still enabled in their name. It clears when a later reading "
    "shows none, or when the person is live in Entra or enabled in AD again.";

// A shared device is other people's too, and one that AD decides on goes with AD.
bool IsLeftOver(const Device& device) {
  const bool of_entra =
      device.trust == DeviceTrust::kRegistered || device.trust == DeviceTrust::kEntraJoined;
  return of_entra && device.enabled.value_or(false) && device.users.value_or(1) <= 1;
}

std::optional<OpenDrift> OpenDevice(const Situation& s) {
  if (!s.departed || s.phase != State::kConverged || s.live) return std::nullopt;
  const auto& known = s.entra->logs.devices;
  if (!known || std::none_of(known->devices.begin(), known->devices.end(), IsLeftOver)) {
    return std::nullopt;
  }
  return OpenDrift{DriftKind::kDeviceEnabled, Severity::kInfo, s.EntraOutSince()};
}

}  // namespace

const Rule kDeviceEnabledRule = {DriftKind::kDeviceEnabled, kDeviceSentence, "info", OpenDevice};

}  // namespace driftwarden::monitor
