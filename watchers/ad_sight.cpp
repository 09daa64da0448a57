#include "watchers/ad_sight.h"

#include <utility>

#include "base/strings.h"

namespace driftwarden::watchers {
namespace {

// So many accounts in a row that show it: the right was granted.
constexpr uint64_t kEnough = 1000;

constexpr char kMetadataText[] =
    "an account's replPropertyMetaData is not readable: the time of a disable is known only as the "
    "interval between two looks; grant the service account Read Property on it (on Windows: "
    "membership in Pre-Windows 2000 Compatible Access, or Read All Properties)";
constexpr char kStateText[] =
    "an account's userAccountControl is not readable: whether it is disabled stays unknown; grant "
    "the service account Read Property on userAccountControl";

}  // namespace

AdSight::AdSight(monitor::SourceName source, Logger& log) : source_(std::move(source)), log_(log) {}

void AdSight::NoteAccount(const monitor::AdView& view) {
  if (view.deleted.value_or(false)) return;
  const bool state = view.user_account_control.has_value();
  const bool stamp = view.uac_stamp.has_value();
  bool states_shown = false;
  bool stamps_shown = false;
  {
    const std::lock_guard lock(mutex_);
    states_in_a_row_ = state ? states_in_a_row_ + 1 : 0;
    stamps_in_a_row_ = stamp ? stamps_in_a_row_ + 1 : 0;
    states_shown = states_in_a_row_ >= kEnough && HasLocked(kStateHidden);
    stamps_shown = stamps_in_a_row_ >= kEnough && HasLocked(kMetadataHidden);
  }
  if (!state) Raise(kStateHidden, kStateText);
  if (state && !stamp) Raise(kMetadataHidden, kMetadataText);
  if (states_shown) Lower(kStateHidden);
  if (stamps_shown) Lower(kMetadataHidden);
}

void AdSight::Raise(const std::string& name, const std::string& text) {
  {
    const std::lock_guard lock(mutex_);
    const auto [found, is_new] = findings_.try_emplace(name, text);
    if (!is_new && found->second == text) return;
    found->second = text;
    if (name == kMetadataHidden) asks_for_xml_ = true;
  }
  log_.Warn(Cat("ad_", name), text, {{"source", source_.value}});
}

void AdSight::Lower(const std::string& name) {
  {
    const std::lock_guard lock(mutex_);
    if (findings_.erase(name) == 0) return;
  }
  log_.Info("ad_finding_over", name, {{"source", source_.value}});
}

bool AdSight::asks_for_xml() const {
  const std::lock_guard lock(mutex_);
  return asks_for_xml_;
}

bool AdSight::HasLocked(const std::string& name) const {
  return findings_.contains(name);
}

std::vector<Finding> AdSight::findings() const {
  const std::lock_guard lock(mutex_);
  std::vector<Finding> list;
  for (const auto& [name, text] : findings_) list.push_back({name, text});
  return list;
}

}  // namespace driftwarden::watchers
