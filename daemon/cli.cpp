#include "daemon/cli.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "base/strings.h"
#include "daemon/verbs.h"
#include "daemon/verbs_run.h"

namespace driftwarden::daemon {
namespace {

constexpr char kWhoIsMeant[] =
    "UPN, sAMAccountName, anchor, SID, objectGUID, Entra id, or the id of a person, episode or "
    "action";

// What every parsed verb leaves behind: the call that carries it out.
using Call = std::function<int()>;

struct Parsed {
  ClientOptions client;
  DriftListOptions list;
  PolicyReplayOptions replay;
  ReportOptions report;
  ResidueReportOptions residue;
  ExemptOptions exempt;
  MarkOptions mark;
  LeaverOptions leaver;
  SimulateOptions simulate;
  DemoOptions demo;
  std::string config, user, link, name, reason, data_dir;
  std::vector<std::string> heads;
  bool json = false;
  bool once = false;
  bool offline = false;
  Call call;
};

// How many of something. CLI11's own ranges print their bounds as floating point.
CLI::Validator CountUpTo(uint64_t most) {
  const auto check = [most](std::string& text) -> std::string {
    const auto count = ParseUint64(text);
    if (count && *count >= 1 && *count <= most) return "";
    return Cat("\"", Printable(text, 40), "\" is not a whole number from 1 to ", most);
  };
  return CLI::Validator(check, Cat("1-", most));
}

constexpr uint64_t kMostListed = 100'000'000;
constexpr uint64_t kMostReplayed = 10'000;  // as the API takes

void AddConfig(CLI::App* verb, std::string* config, bool required) {
  auto* option = verb->add_option("--config", *config, "configuration file (YAML)");
  if (required) option->required();
}

void AddClient(CLI::App* verb, Parsed* parsed) {
  AddConfig(verb, &parsed->client.config, false);
  verb->add_option("--url", parsed->client.url, "address of the daemon")
      ->envname("DRIFTWARDEN_URL");
  verb->add_option("--token-file", parsed->client.token_file, "file that holds the bearer token")
      ->envname("DRIFTWARDEN_TOKEN_FILE");
  verb->add_option("--ca-file", parsed->client.ca_file, "CA of an https daemon");
}

void AddDataDir(CLI::App* verb, Parsed* parsed) {
  AddConfig(verb, &parsed->config, false);
  verb->add_option("--data-dir", parsed->data_dir, "data directory, instead of --config");
}

void AddRunVerbs(CLI::App& app, Parsed* parsed) {
  CLI::App* run = app.add_subcommand("run", "the monitor, until SIGTERM or SIGINT");
  AddConfig(run, &parsed->config, true);
  run->add_flag("--once", parsed->once, "one complete pass, a summary, exit 0, 3 or 4");
  run->callback(
      [parsed] { parsed->call = [parsed] { return VerbRun(parsed->config, parsed->once); }; });

  CLI::App* demo = app.add_subcommand("demo", "simulator and monitor together, the whole story");
  demo->add_option("--users", parsed->demo.users, "people on both sides")
      ->check(CLI::Range(50ULL, 10'000'000ULL));
  demo->add_option("--seed", parsed->demo.seed, "seed of the people");
  demo->add_option("--speed", parsed->demo.speed, "how much faster than a minute")
      ->check(CLI::Range(0.1, 10.0));
  demo->add_flag("--exit-when-settled", parsed->demo.exit_when_settled,
                 "judge the story: exit 0 when all of it happened, else 1");
  demo->add_option("--break", parsed->demo.break_part, "break a part, to see the judge say no")
      ->check(CLI::IsMember({"no_receiver", "ignore_revoke", "lose_disable"}));
  demo->callback([parsed] { parsed->call = [parsed] { return VerbDemo(parsed->demo); }; });

  CLI::App* simulate = app.add_subcommand("simulate", "only the simulated AD and Entra");
  simulate->add_option("--users", parsed->simulate.users, "people on both sides");
  simulate->add_option("--seed", parsed->simulate.seed, "seed of the people");
  simulate->add_option("--forests", parsed->simulate.forests, "AD forests")
      ->check(CLI::Range(1, 256));
  simulate
      ->add_option("--tenants", parsed->simulate.tenants,
                   "Entra tenants, each fed by a forest in turn")
      ->check(CLI::Range(1, 200));
  simulate->add_option("--config-out", parsed->simulate.config_out,
                       "write a ready configuration for `run` here");
  simulate->add_option("--control", parsed->simulate.control, "address of the control server");
  simulate->add_option("--cycle", parsed->simulate.cycle, "sync cycle, such as 30s");
  simulate->add_option("--auth-mode", parsed->simulate.auth_mode, "how people sign in")
      ->check(CLI::IsMember({"password_hash_sync", "pass_through", "federated"}));
  simulate
      ->add_option("--credential", parsed->simulate.credential,
                   "what the application proves itself with in the written configuration")
      ->check(CLI::IsMember({"secret", "certificate", "federated", "managed_identity"}));
  simulate->add_option("--folder", parsed->simulate.folder,
                       "where certificates and secrets go (default: a temporary folder)");
  simulate->callback(
      [parsed] { parsed->call = [parsed] { return VerbSimulate(parsed->simulate); }; });

  CLI::App* check = app.add_subcommand(
      "check", "validates the configuration, then every endpoint, credential and right it names");
  AddConfig(check, &parsed->config, true);
  check->add_flag("--offline", parsed->offline, "the file alone, nothing is contacted");
  check->callback([parsed] {
    parsed->call = [parsed] {
      return parsed->offline ? VerbCheckOffline(parsed->config) : VerbCheck(parsed->config);
    };
  });

  app.add_subcommand("version", "version and revision")->callback([parsed] {
    parsed->call = [] { return VerbVersion(); };
  });
}

void AddMarkVerbs(CLI::App& drift, Parsed* parsed) {
  MarkOptions* options = &parsed->mark;
  CLI::App* mark = drift.add_subcommand("mark", "say what no source can tell about an account");
  CLI::App* unmark = drift.add_subcommand("unmark", "take that back");
  for (CLI::App* verb : {mark, unmark}) {
    AddClient(verb, parsed);
    verb->add_option("USER", options->user, kWhoIsMeant)->required();
    verb->add_flag("--compromised", options->compromised,
                   "it is in other hands: drift until its sessions are revoked")
        ->required();
    verb->add_option("--link", options->link, "only in this link (default: in every one)");
  }
  mark->add_option("--reason", options->reason, "why; goes into the evidence")->required();
  mark->callback([parsed] {
    parsed->call = [parsed] { return VerbDriftMark(parsed->client, parsed->mark); };
  });
  unmark->callback([parsed] {
    parsed->call = [parsed] { return VerbDriftUnmark(parsed->client, parsed->mark); };
  });
}

void AddDriftVerbs(CLI::App& app, Parsed* parsed) {
  CLI::App* drift = app.add_subcommand("drift", "who is not gone yet");
  drift->require_subcommand(1);
  CLI::App* list = drift->add_subcommand("list", "open drift, worst first");
  AddClient(list, parsed);
  list->add_option("--kind", parsed->list.kind, "only this kind");
  list->add_option("--state", parsed->list.state, "only this state");
  list->add_option("--tier", parsed->list.tier, "only this tier");
  list->add_option("--link", parsed->list.link, "only this link");
  list->add_option("--older-than", parsed->list.older_than, "open for longer than this");
  list->add_option("--limit", parsed->list.limit, "at most so many")->check(CountUpTo(kMostListed));
  list->add_option("--format", parsed->list.format, "table, json or csv")
      ->check(CLI::IsMember({"table", "json", "csv"}));
  list->callback([parsed] {
    parsed->call = [parsed] { return VerbDriftList(parsed->client, parsed->list); };
  });
  AddMarkVerbs(*drift, parsed);
  CLI::App* show = drift->add_subcommand("show", "one person, both sides, with the timeline");
  CLI::App* explain = drift->add_subcommand("explain", "the rule and its inputs");
  for (CLI::App* verb : {show, explain}) {
    AddClient(verb, parsed);
    verb->add_flag("--json", parsed->json, "as JSON");
    verb->add_option("USER", parsed->user, kWhoIsMeant)->required();
  }
  show->callback([parsed] {
    parsed->call = [parsed] { return VerbDriftShow(parsed->client, parsed->user, parsed->json); };
  });
  explain->callback([parsed] {
    parsed->call = [parsed] {
      return VerbDriftExplain(parsed->client, parsed->user, parsed->json);
    };
  });
}

void AddPolicyVerbs(CLI::App& app, Parsed* parsed) {
  CLI::App* policy = app.add_subcommand("policy", "thresholds");
  policy->require_subcommand(1);
  CLI::App* replay =
      policy->add_subcommand("replay", "recorded history through other thresholds: who pages?");
  AddClient(replay, parsed);
  PolicyReplayOptions& options = parsed->replay;
  replay->add_option("--from", options.from, "a time, or so long ago; 30d by default");
  replay->add_option("--to", options.to, "a time, or so long ago; now by default");
  replay->add_option("--link", options.link, "only this link");
  replay->add_option("--tier", options.tier,
                     "only people of this tier; the thresholds are its (standard by default)");
  replay->add_option("--warn", options.warn, "warn_after to try, one or several: 10m,20m,40m");
  replay->add_option("--revoke", options.revoke, "revoke_after to try");
  replay->add_option("--breach", options.breach, "breach_after to try");
  replay->add_option("--settle", options.settle, "settle to try");
  replay->add_option("--mode", options.mode, "observe, auto or both: observe,auto");
  replay->add_option("--limit", options.limit, "at most so many people in a list")
      ->check(CountUpTo(kMostReplayed));
  replay->add_option("--format", options.format, "table, json or csv")
      ->check(CLI::IsMember({"table", "json", "csv"}));
  replay->callback([parsed] {
    parsed->call = [parsed] { return VerbPolicyReplay(parsed->client, parsed->replay); };
  });
}

void AddReportVerbs(CLI::App& app, Parsed* parsed) {
  CLI::App* report = app.add_subcommand("report", "what is told and never paged");
  report->require_subcommand(1);
  ReportOptions* options = &parsed->report;
  CLI::App* unmanaged =
      report->add_subcommand("unmanaged", "accounts that AD does not manage, or names otherwise");
  AddClient(unmanaged, parsed);
  unmanaged->add_option("--link", options->link, "only this link");
  unmanaged->add_option("--kind", options->kind, "only this kind")
      ->check(CLI::IsMember(
          {"orphan_synced", "cloud_only_unmanaged", "formerly_synced_live", "upn_drift"}));
  unmanaged->add_option("--limit", options->limit, "at most so many")
      ->check(CountUpTo(kMostListed));
  unmanaged->add_option("--format", options->format, "table, json or csv")
      ->check(CLI::IsMember({"table", "json", "csv"}));
  unmanaged->callback([parsed, options] {
    parsed->call = [parsed, options] { return VerbReportUnmanaged(parsed->client, *options); };
  });
  CLI::App* residue = report->add_subcommand(
      "residue", "what people who left still have in the tenant, and what was not evaluated");
  AddClient(residue, parsed);
  ResidueReportOptions& remains = parsed->residue;
  residue->add_option("--link", remains.link, "only this link");
  residue->add_option("--from", remains.from, "a time, or so long ago; 30d by default");
  residue->add_option("--to", remains.to, "a time, or so long ago; now by default");
  residue->add_option("--format", remains.format, "table, json or csv")
      ->check(CLI::IsMember({"table", "json", "csv"}));
  residue->callback([parsed] {
    parsed->call = [parsed] { return VerbReportResidue(parsed->client, parsed->residue); };
  });
}

void AddExemptVerbs(CLI::App& app, Parsed* parsed) {
  CLI::App* exempt = app.add_subcommand("exempt", "people whom nobody is told about for a while");
  exempt->require_subcommand(1);
  ExemptOptions* options = &parsed->exempt;
  CLI::App* add = exempt->add_subcommand("add", "exempt somebody until a moment");
  CLI::App* remove = exempt->add_subcommand("rm", "judge them like anybody else again");
  for (CLI::App* verb : {add, remove}) {
    AddClient(verb, parsed);
    verb->add_option("USER", options->user, kWhoIsMeant)->required();
    verb->add_option("--link", options->link, "only in this link (default: in every one)");
  }
  add->add_option("--until", options->until, "2027-01-31T17:00:00Z, or for so long from now: 14d")
      ->required();
  add->add_option("--reason", options->reason, "why; goes into the evidence")->required();
  add->callback([parsed] {
    parsed->call = [parsed] { return VerbExemptAdd(parsed->client, parsed->exempt); };
  });
  remove->callback([parsed] {
    parsed->call = [parsed] { return VerbExemptRemove(parsed->client, parsed->exempt); };
  });
  CLI::App* list = exempt->add_subcommand("list", "everybody with an exemption");
  AddClient(list, parsed);
  list->add_option("--link", options->link, "only this link");
  list->add_flag("--json", parsed->json, "as JSON");
  list->callback([parsed] {
    parsed->call = [parsed] {
      return VerbExemptList(parsed->client, parsed->exempt.link, parsed->json);
    };
  });
}

void AddLeaverVerbs(CLI::App& app, Parsed* parsed) {
  CLI::App* leaver = app.add_subcommand("leaver", "people who are expected to leave");
  leaver->require_subcommand(1);
  LeaverOptions* options = &parsed->leaver;
  CLI::App* file = leaver->add_subcommand("import", "tell of everybody in a CSV file, once");
  file->add_option("FILE", options->file, "identifier,effective,urgency[,reference]")->required();
  CLI::App* add = leaver->add_subcommand("add", "tell of one person");
  CLI::App* remove = leaver->add_subcommand("rm", "they do not leave");
  for (CLI::App* verb : {add, remove}) {
    verb->add_option("USER", options->user, kWhoIsMeant)->required();
  }
  add->add_option("--effective", options->effective,
                  "2027-01-31T17:00:00Z, or so long from now: 14d")
      ->required();
  add->add_option("--urgency", options->urgency, "selects the timers of the departure")
      ->check(CLI::IsMember({"planned", "immediate", "compromise"}));
  add->add_option("--reference", options->reference, "the case, for people");
  CLI::App* list = leaver->add_subcommand("list", "everybody who is expected to leave");
  list->add_flag("--json", parsed->json, "as JSON");
  for (CLI::App* verb : {file, add, remove, list}) {
    AddClient(verb, parsed);
    verb->add_option("--link", options->link, "only in this link");
  }
  file->callback([parsed, options] {
    parsed->call = [parsed, options] {
      return VerbLeaverImport(parsed->client, options->file, options->link);
    };
  });
  add->callback([parsed, options] {
    parsed->call = [parsed, options] { return VerbLeaverAdd(parsed->client, *options); };
  });
  remove->callback([parsed, options] {
    parsed->call = [parsed, options] { return VerbLeaverRemove(parsed->client, *options); };
  });
  list->callback([parsed, options] {
    parsed->call = [parsed, options] {
      return VerbLeaverList(parsed->client, options->link, parsed->json);
    };
  });
}

// One that shows an answer of the daemon, as text or JSON.
void AddView(CLI::App* parent, const char* name, const char* help, Parsed* parsed,
             int (*verb)(const ClientOptions&, bool)) {
  CLI::App* view = parent->add_subcommand(name, help);
  AddClient(view, parsed);
  view->add_flag("--json", parsed->json, "as JSON");
  view->callback([parsed, verb] {
    parsed->call = [parsed, verb] { return verb(parsed->client, parsed->json); };
  });
}

void AddBrakeVerbs(CLI::App& app, Parsed* parsed) {
  CLI::App* automation = app.add_subcommand("automation", "what is done by itself");
  automation->require_subcommand(1);
  AddView(automation, "show", "modes in force, and whether it is paused", parsed,
          VerbAutomationShow);
  CLI::App* pause = automation->add_subcommand("pause", "stop every action, until resumed");
  CLI::App* resume = automation->add_subcommand("resume", "take the pause off");
  for (CLI::App* verb : {pause, resume}) {
    AddClient(verb, parsed);
    verb->add_option("--reason", parsed->reason, "why; goes into the evidence");
    verb->add_option("--link", parsed->link, "only this link");
    const bool paused = verb == pause;
    verb->callback([parsed, paused] {
      parsed->call = [parsed, paused] {
        return VerbAutomationPause(parsed->client, paused, parsed->link, parsed->reason);
      };
    });
  }
  CLI::App* guard = app.add_subcommand("guard", "the brakes of the automation");
  guard->require_subcommand(1);
  AddView(guard, "list", "every guard", parsed, VerbGuardList);
  CLI::App* reset = guard->add_subcommand("reset", "clear a tripped guard");
  AddClient(reset, parsed);
  reset->add_option("NAME", parsed->name, "the guard")->required();
  reset->add_option("--reason", parsed->reason, "why it is safe now; goes into the evidence")
      ->required();
  reset->add_option("--link", parsed->link, "only this link");
  reset->callback([parsed] {
    parsed->call = [parsed] {
      return VerbGuardReset(parsed->client, parsed->name, parsed->link, parsed->reason);
    };
  });
}

void AddOperatorVerbs(CLI::App& app, Parsed* parsed) {
  AddView(&app, "status", "are we fine?", parsed, VerbStatus);
  CLI::App* baseline = app.add_subcommand("baseline", "drift that was there at the first look");
  baseline->require_subcommand(1);
  AddView(baseline, "show", "how many, by link", parsed, VerbBaselineShow);
  CLI::App* accept = baseline->add_subcommand("accept", "hand them to ordinary paging and action");
  AddClient(accept, parsed);
  accept->add_option("--link", parsed->link, "only this link");
  accept->callback([parsed] {
    parsed->call = [parsed] { return VerbBaselineAccept(parsed->client, parsed->link); };
  });
  AddBrakeVerbs(app, parsed);
  AddReportVerbs(app, parsed);
  AddExemptVerbs(app, parsed);
  AddLeaverVerbs(app, parsed);
  CLI::App* action = app.add_subcommand("action", "the remediation queue");
  action->require_subcommand(1);
  AddView(action, "list", "actions, newest first", parsed, VerbActionList);
}

// Runs `verb` with the data directory that was named.
int WithDataDir(const Parsed& parsed, const std::function<int(const std::string&)>& verb) {
  const auto data_dir = DataDirOf(parsed.data_dir, parsed.config);
  return data_dir.ok() ? verb(*data_dir) : Complain(data_dir.status());
}

void AddStoreVerbs(CLI::App& app, Parsed* parsed) {
  CLI::App* evidence = app.add_subcommand("evidence", "the audit trail");
  evidence->require_subcommand(1);
  CLI::App* verify = evidence->add_subcommand("verify", "proves that nothing in it was changed");
  AddDataDir(verify, parsed);
  verify->add_option("--expect-head", parsed->heads, "LINK:SEQ:HASH that must stand in the chain");
  verify->callback([parsed] {
    parsed->call = [parsed] {
      return WithDataDir(*parsed, [parsed](const std::string& dir) {
        return VerbEvidenceVerify(dir, parsed->heads);
      });
    };
  });
  CLI::App* store = app.add_subcommand("store", "the state store");
  store->require_subcommand(1);
  CLI::App* stats = store->add_subcommand("stats", "records and bytes");
  AddDataDir(stats, parsed);
  stats->add_flag("--json", parsed->json, "as JSON");
  stats->callback([parsed] {
    parsed->call = [parsed] {
      return WithDataDir(
          *parsed, [parsed](const std::string& dir) { return VerbStoreStats(dir, parsed->json); });
    };
  });
  CLI::App* check = store->add_subcommand("check", "reads every record and recounts");
  AddDataDir(check, parsed);
  check->callback(
      [parsed] { parsed->call = [parsed] { return WithDataDir(*parsed, VerbStoreCheck); }; });
}

// The verb that still wants another word behind it; the program itself at first.
const CLI::App& WantsVerb(const CLI::App& app) {
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
  return *at;
}

// What is wrong with the verb: CLI11 says neither which word it does not know nor which it does.
// Empty: something else is wrong.
std::string VerbFault(const CLI::App& app) {
  const CLI::App& wants = WantsVerb(app);
  if (wants.get_require_subcommand_min() == 0) return "";
  std::vector<std::string> known;
  for (const CLI::App* verb : wants.get_subcommands([](const CLI::App*) { return true; })) {
    known.push_back(verb->get_name());
  }
  const std::string under = &wants == &app ? "" : Cat(" under ", wants.get_name());
  const std::string there = JoinStrings(known, ", ");
  for (const std::string& word : wants.remaining()) {
    if (word.starts_with("-")) continue;
    return Cat("there is no verb \"", Printable(word, 60), "\"", under, "; there are ", there);
  }
  return Cat("name a verb", under, ": ", there);
}

int TellUsage(const CLI::App& app, const CLI::ParseError& error) {
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
    if (const std::string fault = VerbFault(app); !fault.empty()) {
      std::fprintf(stderr, "driftwarden: %s\nRun with --help for more information.\n",
                   fault.c_str());
      return kExitUsage;
    }
  }
  return app.exit(error) == 0 ? kExitOk : kExitUsage;
}

}  // namespace

int RunCommandLine(int argc, char** argv) {
  HardenProcess();
  CLI::App app("driftwarden: from the AD disable to the last token, measured and closed");
  app.require_subcommand(1);
  app.name("driftwarden");
  app.set_version_flag("--version", VersionText());
  Parsed parsed;
  AddRunVerbs(app, &parsed);
  AddDriftVerbs(app, &parsed);
  AddPolicyVerbs(app, &parsed);
  AddOperatorVerbs(app, &parsed);
  AddStoreVerbs(app, &parsed);
  CLI::App* help = app.add_subcommand("help", "this text");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return TellUsage(app, error);
  }
  if (help->parsed()) {
    app.clear();  // else it would print the help of `help`
    std::fputs(app.help().c_str(), stdout);
    return kExitOk;
  }
  return parsed.call();
}

}  // namespace driftwarden::daemon
