// Reading the configuration again while everything runs: all that differs is taken over, or
// nothing.

#include <utility>

#include "base/strings.h"
#include "daemon/app_parts.h"
#include "daemon/config_changes.h"

namespace driftwarden::daemon {
namespace {

constexpr absl::Duration kReviewAgain = absl::Seconds(1);
constexpr absl::Duration kReloadAgain = absl::Milliseconds(100);

// All that a reload reads, before any of it counts.
struct Edited {
  Config config;
  std::vector<Token> tokens;
};

StatusOr<Edited> ReadFiles(const std::string& path) {
  Edited edited;
  DW_ASSIGN_OR_RETURN(edited.config, LoadConfig(path));
  const std::string& file = edited.config.http.tokens_file;
  if (file.empty()) return edited;
  auto tokens = LoadTokens(file);
  if (!tokens.ok()) {
    const bool faults = tokens.status().code() == StatusCode::kInvalidArgument;
    return faults ? tokens.status()
                  : InvalidError(Cat("http.tokens_file: ", Message(tokens.status())));
  }
  edited.tokens = *std::move(tokens);
  return edited;
}

}  // namespace

asio::awaitable<ReloadOutcome> App::Parts::Reload(std::string actor) {
  ReloadOutcome outcome;
  if (reloading) {
    outcome.status = UnavailableError("the configuration is being read already; try again");
    LogReload(outcome, actor);
    co_return outcome;
  }
  reloading = true;
  auto read = [this] { return ReadFiles(config.path); };
  auto edited = co_await OnLane(read_lane, std::move(read));
  if (edited.ok()) {
    outcome = Compare(edited->config);
  } else {
    outcome.status = edited.status();
    outcome.faults = SplitString(Message(edited.status()), '\n');
    std::erase(outcome.faults, std::string());
  }
  if (outcome.status.ok()) {
    std::string by = actor;
    const Status taken = co_await TakeOver(&edited->config, std::move(by));
    outcome.status = taken;
    if (taken.ok()) outcome.tokens = api->SetTokens(std::move(edited->tokens));
  }
  reloading = false;
  LogReload(outcome, actor);
  co_return outcome;
}

asio::awaitable<void> App::Parts::ReloadOnHangup() {
  // A reload that runs may have read the file before its last edit.
  while (reloading) {
    const Status slept = co_await scheduler.SleepFor(kReloadAgain);
    if (!slept.ok()) co_return;
  }
  std::string actor = "SIGHUP";
  const ReloadOutcome outcome = co_await Reload(std::move(actor));
  static_cast<void>(outcome);  // logged
}

ReloadOutcome App::Parts::Compare(const Config& edited) const {
  ReloadOutcome outcome;
  outcome.restart_keys = KeysThatNeedARestart(config, edited);
  if (!outcome.restart_keys.empty()) {
    outcome.status =
        PreconditionError(Cat("only a restart takes over what changed in ",
                              JoinStrings(outcome.restart_keys, ", "), "; nothing was changed"));
    return outcome;
  }
  for (const monitor::Policy& policy : ChangedPolicies(config, edited)) {
    outcome.links.push_back(policy.link.value);
  }
  return outcome;
}

// Every link gets its policy before anybody is judged by one.
asio::awaitable<Status> App::Parts::TakeOver(Config* edited, std::string actor) {
  std::vector<Link*> changed;
  for (const monitor::Policy& policy : ChangedPolicies(config, *edited)) {
    for (const auto& link : links) {
      if (link->policy->link != policy.link) continue;
      auto next = std::make_shared<const monitor::Policy>(policy);
      link->metrics->SetPolicy(*next);
      std::string by = actor;
      const Status set = co_await link->engine->SetPolicy(std::move(next), std::move(by));
      if (!set.ok()) co_return set;
      changed.push_back(link.get());
    }
  }
  config.links = std::move(edited->links);
  for (const auto& entry : directories) {
    entry->group_loop->SetWanted(TierGroupsOf(config, entry->config.name));
  }
  for (Link* link : changed) tellers->Spawn(JudgeAnew(link));
  co_return OkStatus();
}

// In the background: with very many people it takes a while. After a start it goes on with what a
// life before did not come to.
asio::awaitable<void> App::Parts::JudgeAnew(Link* link) {
  while (store_failure.ok()) {
    const Status judged = co_await link->engine->ReviewAll();
    if (judged.code() != StatusCode::kUnavailable) co_return;
    const Status slept = co_await scheduler.SleepFor(kReviewAgain);  // the engine is busy
    if (!slept.ok()) co_return;
  }
}

void App::Parts::LogReload(const ReloadOutcome& outcome, const std::string& actor) {
  if (outcome.status.ok()) {
    log.Info("config_reloaded",
             !outcome.links.empty() ? "the new policy is in force"
             : outcome.tokens       ? "the new tokens are in force"
                                    : "nothing differs from what is in force",
             {{"config", config.path},
              {"links", JoinStrings(outcome.links, ", ")},
              {"tokens", outcome.tokens},
              {"actor", actor}});
    return;
  }
  const std::string why = outcome.faults.empty() ? std::string(Message(outcome.status))
                                                 : JoinStrings(outcome.faults, " | ");
  log.Error("config_refused", why, {{"config", config.path}, {"actor", actor}});
}

}  // namespace driftwarden::daemon
