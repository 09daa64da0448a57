// check --offline and version.

#include <cstdio>

#include "base/files.h"
#include "base/strings.h"
#include "base/time.h"
#include "base/units.h"
#include "daemon/check_certificates.h"
#include "daemon/config.h"
#include "daemon/config_advice.h"
#include "daemon/leaver_file.h"
#include "daemon/verbs.h"
#include "monitor/person.h"

namespace driftwarden::daemon {
namespace {

void Finding(std::string_view level, const std::string& text) {
  std::printf("%-5s %s\n", std::string(level).c_str(), text.c_str());
}

std::string TierText(const monitor::Policy& link, const monitor::TierPolicy& tier) {
  const monitor::Thresholds t = monitor::ThresholdsFor(tier.name, link, monitor::LinkState());
  const monitor::Mode mode =
      monitor::ModeFor(link, tier.name, monitor::ActionKind::kRevokeSessions);
  return Cat("link ", link.link.value, ", tier ", tier.name.value, ": warn after ",
             HumanDuration(t.warn_after), ", revoke after ", HumanDuration(t.revoke_after),
             ", breach after ", HumanDuration(t.breach_after), "; mode ", monitor::ModeText(mode));
}

// True when the file of expected leavers says nothing; each bad line is told.
bool LeaversFault(const Config& config) {
  const std::string& path = config.expected_leavers.csv_file;
  if (path.empty()) return false;
  const auto text = ReadFile(path, kMostLeaverBytes);
  if (!text.ok()) {
    Finding("warn", Cat("expected_leavers.csv_file: ", Message(text.status()),
                        "; mend: write it, readable by the user that runs driftwarden"));
    return false;
  }
  const LeaverFile file = ParseLeavers(*text, SystemClock().Wall());
  for (const std::string& fault : file.faults) {
    Finding(file.unusable ? "fail" : "warn", Cat(path, ":", fault));
  }
  if (!file.unusable) Finding("ok", Cat(path, ": ", file.rows.size(), " expected leavers"));
  return file.unusable;
}

}  // namespace

int VerbCheckOffline(const std::string& path) {
  const auto config = LoadConfig(path);
  if (!config.ok()) {
    std::fprintf(stderr, "%s\n", std::string(Message(config.status())).c_str());
    return kExitUsage;
  }
  Finding("ok", Cat(path, ": ", config->directories.size(), " active_directory, ",
                    config->tenants.size(), " entra, ", config->links.size(), " links"));
  for (const monitor::Policy& link : config->links) {
    for (const monitor::TierPolicy& tier : link.tiers) Finding("ok", TierText(link, tier));
  }
  for (const std::string& advice : AdviceAbout(*config)) Finding("warn", advice);
  bool failed = false;
  for (const auto& finding : CheckCertificates(*config, SystemClock().Wall())) {
    failed |= finding.level == watchers::CheckFinding::Level::kFail;
    Finding(watchers::LevelText(finding.level),
            Cat(finding.subject, ": ", finding.what,
                finding.mend.empty() ? "" : "; mend: ", finding.mend));
  }
  failed |= LeaversFault(*config);
  return failed ? kExitBlind : kExitOk;
}

int VerbVersion() {
  std::printf("driftwarden %s (%s)\n", VersionText().c_str(), RevisionText().c_str());
  return kExitOk;
}

std::string VersionText() {
  return DRIFTWARDEN_VERSION;
}
std::string RevisionText() {
  return DRIFTWARDEN_REVISION;
}

StatusOr<std::string> DataDirOf(const std::string& data_dir, const std::string& config) {
  if (!data_dir.empty()) return data_dir;
  if (config.empty())
    return InvalidError("name the data directory: --config FILE or --data-dir DIR");
  DW_ASSIGN_OR_RETURN(const Config loaded, LoadConfig(config));
  return loaded.data_dir;
}

}  // namespace driftwarden::daemon
