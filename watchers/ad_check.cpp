#include "watchers/ad_check.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/strings.h"
#include "base/units.h"
#include "watchers/ad_connection.h"
#include "watchers/directory/dc_locator.h"
#include "watchers/directory/schema.h"

namespace driftwarden::watchers {
namespace {

using directory::Entry;
using directory::SearchPage;
using directory::SearchRequest;
using directory::ServerState;

constexpr absl::Duration kClockWarn = absl::Seconds(5);
constexpr absl::Duration kClockFail = absl::Minutes(5);  // Kerberos' own limit, and our gate's
constexpr absl::Duration kRefusal = absl::Milliseconds(500);
constexpr int kSample = 20;  // people looked at

// Groups whose members may do far more than a reader needs, by the last part of their SID.
struct StrongGroup {
  const char* rid;
  const char* name;
};
constexpr StrongGroup kStrongGroups[] = {
    {"-512", "Domain Admins"},      {"-518", "Schema Admins"},
    {"-519", "Enterprise Admins"},  {"-544", "Administrators"},
    {"-548", "Account Operators"},  {"-549", "Server Operators"},
    {"-550", "Print Operators"},    {"-551", "Backup Operators"},
    {"-516", "Domain Controllers"}, {"-520", "Group Policy Creator Owners"},
};

SearchRequest Read(std::string base, std::vector<std::string> attributes) {
  SearchRequest request;
  request.base = std::move(base);
  request.scope = SearchRequest::Scope::kBase;
  request.filter = "(objectClass=*)";
  request.attributes = std::move(attributes);
  request.page_size = 0;
  return request;
}

bool Has(const Entry& entry, std::string_view name) {
  return entry.First(name) != nullptr;
}

// RFC 4515: what may not stand in a filter as it is.
std::string FilterText(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '*' || c == '(' || c == ')' || c == '\\' || c == '\0') {
      constexpr char kHex[] = "0123456789abcdef";
      const auto byte = static_cast<unsigned char>(c);
      out += {'\\', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      out += c;
    }
  }
  return out;
}

// How the account would be found in the directory: by DN, UPN or sAMAccountName.
std::string AccountFilter(const std::string& account) {
  if (account.find('=') != std::string::npos) {
    return Cat("(distinguishedName=", FilterText(account), ')');
  }
  const size_t backslash = account.find('\\');
  if (backslash != std::string::npos) {
    return Cat("(sAMAccountName=", FilterText(std::string_view(account).substr(backslash + 1)),
               ')');
  }
  const std::string_view name = std::string_view(account).substr(0, account.find('@'));
  return Cat("(|(userPrincipalName=", FilterText(account), ")(sAMAccountName=", FilterText(name),
             "))");
}

}  // namespace

AdCheck::AdCheck(AdSourceOptions options, AdCheckWishes wishes, directory::SessionFactory& sessions,
                 const Clock& clock)
    : options_(std::move(options)), wishes_(wishes), sessions_(sessions), clock_(clock) {}

void AdCheck::Find(Level level, std::string_view topic, std::string what, std::string mend) {
  CheckFinding finding;
  finding.level = level;
  finding.subject = Cat(options_.name.value, ", ", server_, ": ", topic);
  finding.what = std::move(what);
  finding.mend = std::move(mend);
  findings_.push_back(std::move(finding));
}

std::string AdCheck::Base() const {
  return options_.base_dn.empty() ? naming_context_ : options_.base_dn;
}

asio::awaitable<std::vector<std::string>> AdCheck::Servers() {
  if (!options_.servers.empty() || options_.locator == nullptr) co_return options_.servers;
  server_ = "DNS";
  std::string domain = options_.domain;
  const auto records = co_await options_.locator->Locate(std::move(domain));
  if (!records.ok()) {
    Find(Level::kFail, "domain controllers", std::string(Message(records.status())),
         "name them in servers, or mend the domain's DNS");
    co_return std::vector<std::string>();
  }
  Find(Level::kOk, "domain controllers", Cat(records->size(), " found for ", options_.domain));
  co_return AddressesOf(*records, options_);
}

asio::awaitable<std::vector<CheckFinding>> AdCheck::Run() {
  findings_.clear();
  writable_.clear();
  const std::vector<std::string> servers = co_await Servers();
  for (const std::string& server : servers) {
    const bool go_on = co_await CheckServer(server);
    if (!go_on) break;
  }
  CheckSecond();
  co_return std::exchange(findings_, {});
}

asio::awaitable<bool> AdCheck::CheckServer(std::string server) {
  server_ = server;
  directory::SessionOptions options;
  options.source = options_.name.value;
  options.server = server;
  options.start_tls = options_.start_tls;
  options.ca_file = options_.ca_file;
  options.bind = options_.bind;
  options.network_timeout = options_.network_timeout;
  options.search_timeout = options_.direct_timeout;
  const auto opened = co_await sessions_.Open(std::move(options));
  if (!opened.ok()) {
    Find(Level::kFail, "bind", std::string(Message(opened.status())));
    co_return opened.status().code() != StatusCode::kUnauthenticated;
  }
  directory::Session* const session = opened->get();
  Find(Level::kOk, "bind", Cat("as ", options_.bind.Account(), ", ", session->Protection()));
  const StatusOr<ServerState> state = co_await directory::ReadServerState(*session, clock_);
  if (!state.ok()) {
    Find(Level::kFail, "rootDSE", std::string(Message(state.status())));
    co_return true;
  }
  CheckState(*state);
  co_await CheckBase(session);
  co_await CheckPeople(session);
  co_await CheckTombstones(session);
  co_await CheckDirSync(session);
  co_await CheckRights(session);
  co_await CheckNotification(session);
  co_return true;
}

void AdCheck::CheckState(const ServerState& state) {
  naming_context_ = state.naming_context;
  Find(
      state.synchronized ? Level::kOk : Level::kWarn, "controller",
      Cat(Printable(state.host_name), ", domain ", Printable(state.naming_context),
          state.read_only ? ", read-only" : "", state.synchronized ? "" : ", not synchronised yet"),
      state.synchronized ? "" : "wait for its first replication, or name another controller");
  if (state.read_only) {
    Find(Level::kWarn, "read-only",
         "a read-only controller hears of changes last and has a filtered set of attributes",
         "put a writable controller in front of it in servers");
  } else if (std::find(writable_.begin(), writable_.end(), state.dsa) == writable_.end()) {
    writable_.push_back(state.dsa);
  }
  const absl::Duration off = absl::AbsDuration(state.clock_offset);
  const Level level = off >= kClockFail   ? Level::kFail
                      : off >= kClockWarn ? Level::kWarn
                                          : Level::kOk;
  // currentTime has whole seconds.
  Find(level, "clock",
       off < absl::Seconds(1)
           ? "agrees with ours to the second"
           : Cat(HumanDuration(off),
                 state.clock_offset > absl::ZeroDuration() ? " ahead of ours" : " behind ours"),
       level == Level::kOk ? "" : "synchronise both machines' clocks (chrony, w32time)");
}

asio::awaitable<void> AdCheck::CheckBase(directory::Session* session) {
  std::string base = Base();
  SearchRequest request = Read(base, {"objectGUID"});
  const auto page = co_await session->Search(std::move(request));
  if (page.ok() && !page->entries.empty()) {
    Find(Level::kOk, "base", Printable(base));
    co_return;
  }
  const std::string why = page.ok() ? "nothing is visible there" : Cat(Message(page.status()));
  Find(Level::kFail, "base", Cat(Printable(base), ": ", why),
       Cat("set base_dn to a container that exists, such as ", naming_context_,
           ", and grant the account List Contents on it"));
}

asio::awaitable<void> AdCheck::CheckPeople(directory::Session* session) {
  SearchRequest request;
  request.base = Base();
  request.filter = "(&(objectCategory=person)(objectClass=user))";
  request.attributes = directory::AccountAttributes();
  request.page_size = kSample;
  const auto page = co_await session->Search(std::move(request));
  if (!page.ok()) {
    Find(Level::kFail, "people", std::string(Message(page.status())));
    co_return;
  }
  const std::string grant = Cat("dsacls \"", Base(), "\" /I:S /G \"", options_.bind.Account(),
                                ":RP;;user\" \"", options_.bind.Account(), ":LC\"");
  if (page->entries.empty()) {
    Find(Level::kFail, "people", "no account is visible", grant);
    co_return;
  }
  const auto readable = [](const Entry& entry) {
    return Has(entry, directory::kUserAccountControl);
  };
  const auto seen = std::find_if(page->entries.begin(), page->entries.end(), readable);
  if (seen == page->entries.end()) {
    Find(Level::kFail, "people", "accounts are visible, their userAccountControl is not", grant);
    co_return;
  }
  person_dn_ = seen->dn;
  Find(Level::kOk, "people", "accounts and their userAccountControl are readable");
  CheckMetadata(*seen);
}

void AdCheck::CheckMetadata(const Entry& person) {
  if (Has(person, directory::kReplMetaData)) {
    Find(Level::kOk, "metadata",
         "replication metadata is readable: times of changes are exact to the second");
    return;
  }
  Find(Level::kWarn, "metadata",
       "replication metadata is not readable: the time of a disable is only known to lie between "
       "two looks, and what a lagging controller says cannot be told from a change",
       Cat("dsacls \"", Base(), "\" /I:S /G \"", options_.bind.Account(),
           ":RP;replPropertyMetaData;user\""));
}

asio::awaitable<void> AdCheck::CheckTombstones(directory::Session* session) {
  const std::string container = Cat("CN=Deleted Objects,", naming_context_);
  SearchRequest request;
  request.base =
      Cat("<WKGUID=", directory::kDeletedObjectsWellKnownGuid, ',', naming_context_, '>');
  request.filter = "(isDeleted=TRUE)";
  request.attributes = {"lastKnownParent"};
  request.show_deleted = true;
  request.page_size = 2;
  const auto page = co_await session->Search(std::move(request));
  // The container is an object that says isDeleted of itself, and may be seen without its contents.
  const bool seen = page.ok() && page->entries.size() > 1;
  if (seen) {
    Find(Level::kOk, "tombstones", Cat(Printable(container), " is readable: deletions are seen"));
    co_return;
  }
  const std::string account = options_.bind.Account();
  Find(
      Level::kWarn, "tombstones",
      Cat("nothing is visible in ", Printable(container),
          ": unless nobody was deleted in the tombstone lifetime, a deletion looks like an account "
          "that is no longer visible, and is found by verification only"),
      Cat("dsacls \"", container, "\" /takeownership && dsacls \"", container, "\" /G \"", account,
          ":LCRP\""));
}

asio::awaitable<void> AdCheck::CheckDirSync(directory::Session* session) {
  SearchRequest request;
  request.base = naming_context_;
  request.filter = "(objectClass=domainDNS)";  // one object: the right is asked, not the data
  request.attributes = {"objectGUID"};
  request.page_size = 0;
  request.dir_sync = directory::DirSyncRequest();
  const auto page = co_await session->Search(std::move(request));
  const std::string account = options_.bind.Account();
  const std::string right = Cat("dsacls \"", naming_context_, "\" ", page.ok() ? "/R" : "/G", " \"",
                                account, page.ok() ? "\"" : ":CA;Replicating Directory Changes\"");
  if (page.ok() == wishes_.dirsync) {
    Find(Level::kOk, "dirsync",
         page.ok() ? "granted, and change_tracking is dirsync"
                   : "not granted, and change_tracking usn needs no such right");
  } else if (page.ok()) {
    Find(Level::kWarn, "dirsync",
         "the account may replicate the directory, which change_tracking usn does not need", right);
  } else {
    Find(Level::kWarn, "dirsync", Cat(Message(page.status()), "; USNs are polled instead"), right);
  }
}

asio::awaitable<void> AdCheck::CheckNotification(directory::Session* session) {
  if (!wishes_.notifications) co_return;
  SearchRequest request;
  request.base = naming_context_;
  request.filter = "(objectClass=*)";
  request.attributes = {"objectGUID"};
  request.page_size = 0;
  Status agreed = co_await session->Watch(std::move(request));
  if (agreed.ok()) {
    // A server that refuses says so at once.
    const auto told = co_await session->Next(kRefusal);
    agreed = told.status();
  }
  if (agreed.ok()) {
    Find(Level::kOk, "notification", "the controller tells of changes");
  } else {
    Find(Level::kWarn, "notification",
         Cat(Message(agreed), "; changes are seen by polling only, within poll_interval"),
         "set notifications: false, or see what else holds notifications of this controller");
  }
}

asio::awaitable<void> AdCheck::CheckRights(directory::Session* session) {
  if (!person_dn_.empty()) {
    SearchRequest request = Read(person_dn_, {"allowedAttributesEffective"});
    const auto page = co_await session->Search(std::move(request));
    const bool answered = page.ok() && !page->entries.empty();
    const std::string* const writable =
        answered ? page->entries.front().First("allowedattributeseffective") : nullptr;
    if (!answered) {
      Find(Level::kWarn, "rights", "what the account may write could not be read");
    } else if (writable != nullptr) {
      const size_t count =
          page->entries.front().attributes.find("allowedattributeseffective")->second.size();
      Find(Level::kWarn, "rights",
           Cat("the account may write ", count, " attributes of ", Printable(person_dn_),
               ", such as ", Printable(*writable, 64), ": more than it needs"),
           Cat("take ", options_.bind.Account(), " out of the groups that allow it, or: dsacls \"",
               Base(), "\" /I:S /R \"", options_.bind.Account(), "\""));
    } else {
      Find(Level::kOk, "rights", "the account may write nothing on the account looked at");
    }
  }
  co_await CheckOwnGroups(session);
}

asio::awaitable<void> AdCheck::CheckOwnGroups(directory::Session* session) {
  SearchRequest search;
  search.base = naming_context_;
  search.filter = AccountFilter(options_.bind.Account());
  search.attributes = {"objectGUID"};
  search.page_size = 2;
  const auto found = co_await session->Search(std::move(search));
  if (!found.ok() || found->entries.size() != 1) {
    Find(Level::kWarn, "groups",
         "the account itself is not visible, so its groups could not be looked at");
    co_return;
  }
  // Constructed, so to be read of one object at a time.
  SearchRequest request = Read(found->entries.front().dn, {"tokenGroups"});
  const auto page = co_await session->Search(std::move(request));
  std::set<std::string> strong;
  bool any = false;
  if (page.ok() && !page->entries.empty()) {
    const auto groups = page->entries.front().attributes.find("tokengroups");
    if (groups != page->entries.front().attributes.end()) {
      for (const std::string& raw : groups->second) {
        const auto sid = monitor::Sid::FromBytes(raw);
        if (!sid) continue;
        any = true;
        const std::string text = sid->ToString();
        for (const StrongGroup& group : kStrongGroups) {
          if (text.ends_with(group.rid)) strong.insert(group.name);
        }
      }
    }
  }
  if (!any) {
    Find(Level::kWarn, "groups", "the account's groups could not be read");
  } else if (strong.empty()) {
    Find(Level::kOk, "groups", "the account is in no privileged group");
  } else {
    std::string names;
    for (const std::string& name : strong) names += Cat(names.empty() ? "" : ", ", name);
    Find(Level::kWarn, "groups",
         Cat("the account is a member of ", names, ": whoever steals its secret has the domain"),
         Cat("use an ordinary account; take ", options_.bind.Account(), " out of ", names));
  }
}

void AdCheck::CheckSecond() {
  server_ = "all controllers";
  if (writable_.size() >= 2) {
    Find(Level::kOk, "second opinion", Cat(writable_.size(), " writable controllers answer"));
    return;
  }
  Find(Level::kWarn, "second opinion",
       Cat(writable_.empty() ? "no writable controller answers" : "one writable controller answers",
           ": nobody of tier 0 is acted on without the word of a second one"),
       "name two writable controllers in servers");
}

}  // namespace driftwarden::watchers
