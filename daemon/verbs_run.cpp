// run and run --once.

#include "daemon/verbs_run.h"

#include <csignal>
#include <cstdio>

#include "base/strings.h"
#include "daemon/app.h"
#include "daemon/verbs.h"

namespace driftwarden::daemon {
namespace {

int Fail(const Status& status) {
  std::fprintf(stderr, "driftwarden: %s\n", std::string(Message(status)).c_str());
  // The store says AlreadyExists for one thing only: another process has the directory.
  return status.code() == StatusCode::kAlreadyExists ? kExitInUse : kExitRuntime;
}

int RunOnce(App& app) {
  const auto result = app.RunOnce();
  if (!result.ok()) return Fail(result.status());
  std::fputs(result->summary_json.c_str(), stdout);
  for (const std::string& source : result->unread) {
    std::fprintf(stderr, "driftwarden: could not read %s\n", source.c_str());
  }
  for (const std::string& fault : result->faults) {
    std::fprintf(stderr, "driftwarden: %s\n", fault.c_str());
  }
  if (!result->unread.empty()) return kExitBlind;
  return result->open > 0 ? kExitDrift : kExitOk;
}

}  // namespace

int VerbRun(const std::string& path, bool once) {
  auto config = LoadConfig(path);
  if (!config.ok()) {
    std::fprintf(stderr, "%s\n", std::string(Message(config.status())).c_str());
    return kExitUsage;
  }
  // Until Run listens for it: a reload asked for while the store is opened must not end us.
  if (!once) std::signal(SIGHUP, SIG_IGN);
  Logger log(config->log_level, config->log_format);
  auto app = App::New(*config, log);
  if (!app.ok()) {
    if (!once) App::TellUnopened(*config, app.status(), log);
    return Fail(app.status());
  }
  if (once) return RunOnce(**app);
  (*app)->ReloadOnHangup();
  log.Info("starting", "driftwarden starts", {{"version", VersionText()}, {"config", path}});
  const Status ended = (*app)->Run();
  if (!ended.ok()) return Fail(ended);
  log.Info("stopped", "an orderly end");
  return kExitOk;
}

}  // namespace driftwarden::daemon
