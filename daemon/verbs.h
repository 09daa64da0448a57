#pragma once

// The command line's verbs. Each returns the process' exit code (contract, section Command line):
// output to stdout, diagnostics to stderr.

#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/status.h"
#include "daemon/client.h"

namespace driftwarden::daemon {

constexpr int kExitOk = 0;
constexpr int kExitRuntime = 1;
constexpr int kExitUsage = 2;
constexpr int kExitDrift = 3;
constexpr int kExitBlind = 4;
constexpr int kExitUnreachable = 5;
constexpr int kExitInUse = 6;

// Verbs of a running daemon.
int VerbStatus(const ClientOptions& client, bool as_json);
// People with an open departure by the answer of GET status; blind ones count.
int64_t OpenDrift(const boost::json::value& status);
struct DriftListOptions {
  std::string kind, state, tier, link;
  std::string older_than;
  uint64_t limit = 100;
  std::string format = "table";  // table | json | csv
};
// The path of the API's list; which people have drift open is asked unless a state is wanted, for
// people in some of the states never have.
std::string DriftListPath(const DriftListOptions& options);
int VerbDriftList(const ClientOptions& client, const DriftListOptions& options);
int VerbDriftShow(const ClientOptions& client, const std::string& user, bool as_json);
int VerbDriftExplain(const ClientOptions& client, const std::string& user, bool as_json);
struct PolicyReplayOptions {
  std::string from, to;  // RFC 3339, or so long ago
  std::string link, tier;
  std::string warn, revoke, breach, settle, mode;  // lists, separated by commas
  uint64_t limit = 100;
  std::string format = "table";  // table | json | csv
};
int VerbPolicyReplay(const ClientOptions& client, const PolicyReplayOptions& options);
struct ReportOptions {
  std::string link, kind;
  uint64_t limit = 1000;
  std::string format = "table";  // table | json | csv
};
// Accounts that AD does not manage. Links that are not read completely go to stderr.
int VerbReportUnmanaged(const ClientOptions& client, const ReportOptions& options);
struct ResidueReportOptions {
  std::string from, to;  // RFC 3339, or so long ago
  std::string link;
  std::string format = "table";  // table | json | csv
};
int VerbReportResidue(const ClientOptions& options, const ResidueReportOptions& report);
int VerbBaselineShow(const ClientOptions& client, bool as_json);
int VerbBaselineAccept(const ClientOptions& client, const std::string& link);
int VerbGuardList(const ClientOptions& client, bool as_json);
int VerbGuardReset(const ClientOptions& client, const std::string& name, const std::string& link,
                   const std::string& reason);
using ShowAnswer = void (*)(const boost::json::value& answer);
// One GET, printed as JSON or by `show`; and one POST, whose answer is shown. The exit code.
int Fetch(const ClientOptions& client, const std::string& path, bool as_json, ShowAnswer show);
int Send(const ClientOptions& client, const std::string& path, const boost::json::object& body,
         ShowAnswer show);
int VerbAutomationShow(const ClientOptions& client, bool as_json);
// Pauses, or resumes; an empty link: all of them.
int VerbAutomationPause(const ClientOptions& client, bool paused, const std::string& link,
                        const std::string& reason);
int VerbActionList(const ClientOptions& client, bool as_json);
struct ExemptOptions {
  std::string user, until, reason, link;
};
// `until`: a moment (RFC 3339) or from now on for so long (14d).
int VerbExemptAdd(const ClientOptions& client, const ExemptOptions& options);
int VerbExemptList(const ClientOptions& client, const std::string& link, bool as_json);
// What to say of somebody whose dated exemption was just taken back, and who may have a class that
// exempts them all the same.
std::string UnexemptText(const boost::json::value& person);
int VerbExemptRemove(const ClientOptions& client, const ExemptOptions& options);
struct MarkOptions {
  std::string user, reason, link;
  bool compromised = false;
};
int VerbDriftMark(const ClientOptions& client, const MarkOptions& options);
int VerbDriftUnmark(const ClientOptions& client, const MarkOptions& options);
struct LeaverOptions {
  std::string user, effective, urgency = "planned", reference, link, file;
};
// Faulty and unknown rows go to stderr as FILE:LINE: what; the others are told all the same.
int VerbLeaverImport(const ClientOptions& client, const std::string& path, const std::string& link);
int VerbLeaverAdd(const ClientOptions& client, const LeaverOptions& options);
int VerbLeaverList(const ClientOptions& client, const std::string& link, bool as_json);
int VerbLeaverRemove(const ClientOptions& client, const LeaverOptions& options);

// Every item of a list, page by page; `link` empty: of all links.
StatusOr<boost::json::array> FetchAll(const Client& client, const std::string& path,
                                      const std::string& link);
// The same as the API answers a list with.
boost::json::object ListOf(boost::json::array items);
// A moment (RFC 3339), or so long from now (14d); InvalidArgument names `option`.
StatusOr<absl::Time> MomentOf(const std::string& text, const char* option);

// Verbs of a data directory; they only read it, a daemon may be running on it.
int VerbEvidenceVerify(const std::string& data_dir, const std::vector<std::string>& expected_heads);
int VerbStoreStats(const std::string& data_dir, bool as_json);
int VerbStoreCheck(const std::string& data_dir);

int VerbCheckOffline(const std::string& config);
int VerbCheck(const std::string& config);  // the same, then everything that the file names
int VerbVersion();

// The data directory named by --data-dir, else by the configuration.
StatusOr<std::string> DataDirOf(const std::string& data_dir, const std::string& config);

// Prints "driftwarden: TEXT" to stderr and returns the code that fits the status for a client verb.
int Complain(const Status& status);

std::string VersionText();
std::string RevisionText();

}  // namespace driftwarden::daemon
