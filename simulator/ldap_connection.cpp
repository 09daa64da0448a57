#include "simulator/ldap_connection.h"

#include <algorithm>

#include "base/strings.h"
#include "simulator/ldap_ranges.h"

namespace driftwarden::simulator {
namespace {

constexpr size_t kEntriesAtOnce = 200;  // written before other connections get their turn
constexpr size_t kMaxResultSets = 10;   // as Windows keeps for a connection
constexpr size_t kMaxWatched = 5;       // MaxNotificationPerConn

LdapConnection::Answer Reply(const LdapMessage& message, int code, std::string text) {
  return {EncodeLdapResult(message, {code, std::move(text)})};
}

}  // namespace

LdapConnection::Answer LdapConnection::Handle(const LdapMessage& message, bool secure) {
  switch (message.operation) {
    case LdapOperation::kBind:
      return Bind(message, secure);
    case LdapOperation::kSearch:
      return Search(message);
    case LdapOperation::kModify:
    case LdapOperation::kDelete:
      return Write(message);
    case LdapOperation::kExtended:
      return Extended(message, secure);
    case LdapOperation::kUnbind:
      return {.close = true};
    case LdapOperation::kAbandon:
      // Other requests are served one by one: they have ended.
      std::erase_if(watched_,
                    [&](const Watched& each) { return each.message.id == message.abandoned; });
      return {};
    case LdapOperation::kOther:
      break;
  }
  return Reply(message, kLdapUnwillingToPerform, "operation is not simulated");
}

LdapConnection::Answer LdapConnection::Bind(const LdapMessage& message, bool secure) {
  authenticated_ = false;
  admin_ = false;
  if (message.version != 3) return Reply(message, kLdapProtocolError, "LDAPv3 only");
  if (!message.simple) {
    return Reply(message, 7, "only simple bind is simulated");  // authMethodNotSupported
  }
  if (message.name.empty() && message.password.empty()) return Reply(message, kLdapSuccess, "");
  if (!secure) {
    return Reply(message, kLdapStrongerAuthRequired,
                 "00002028: LdapErr: DSID-0C090259, comment: The server requires binds to turn on "
                 "integrity checking if SSL\\TLS are not already active on the connection, data 0");
  }
  const auto account =
      std::find_if(options_.accounts.begin(), options_.accounts.end(), [&](const auto& known) {
        return EqualsIgnoreCase(known.user, message.name) && known.password == message.password;
      });
  if (faults_.refuse_bind || account == options_.accounts.end() || message.password.empty()) {
    return Reply(message, kLdapInvalidCredentials,
                 "80090308: LdapErr: DSID-0C090446, comment: AcceptSecurityContext error, "
                 "data 52e, v4563");
  }
  authenticated_ = true;
  admin_ = account->admin;
  return Reply(message, kLdapSuccess, "");
}

LdapConnection::Answer LdapConnection::Extended(const LdapMessage& message, bool secure) {
  if (message.name != kStartTlsOid) {
    return Reply(message, kLdapProtocolError, "unknown extended operation");
  }
  if (secure) return Reply(message, kLdapOperationsError, "TLS stands already");
  Answer answer{EncodeLdapResult(message, {}, {}, kStartTlsOid)};
  answer.start_tls = true;
  return answer;
}

LdapConnection::Answer LdapConnection::Write(const LdapMessage& message) {
  if (!admin_) {
    return Reply(message, kLdapInsufficientAccess,
                 "00002098: SecErr: DSID-03150F94, problem 4003 (INSUFF_ACCESS_RIGHTS), data 0");
  }
  const absl::Time now = clock_.Wall();
  const LdapResult result = message.operation == LdapOperation::kDelete
                                ? tree_.Delete(message.name, now)
                                : tree_.Modify(message.name, message.changes, now);
  return {EncodeLdapResult(message, result)};
}

LdapConnection::Answer LdapConnection::Search(const LdapMessage& message) {
  if (faults_.cut_connections) return {.close = true};
  if (faults_.busy) return Reply(message, kLdapBusy, "0000200E: SvcErr: problem 5001 (BUSY)");
  if (faults_.unavailable) {
    return Reply(message, kLdapUnavailable, "0000200F: SvcErr: problem 5002 (UNAVAILABLE)");
  }
  LdapSearchRequest request{message.name, message.scope, message.filter, message.attributes,
                            message.Find(kControlShowDeleted) != nullptr};
  TakeRanges(request.attributes);
  for (const LdapControl& control : message.controls) {
    const bool known = control.oid == kControlPaged || control.oid == kControlShowDeleted ||
                       control.oid == kControlDirSync || control.oid == kControlNotification;
    if (!known && control.critical) {
      return Reply(message, kLdapUnavailableCriticalExtension, Cat("control ", control.oid));
    }
  }
  if (message.Find(kControlDirSync) != nullptr) return DirSync(message, request);
  if (message.Find(kControlNotification) != nullptr) return Watch(message, std::move(request));
  std::unique_ptr<LdapSearch> search;
  if (const LdapControl* paged = message.Find(kControlPaged)) {
    const auto value = DecodePagedValue(paged->value);
    if (!value.ok())
      return Reply(message, kLdapProtocolError, std::string(Message(value.status())));
    if (!value->cookie.empty()) {
      const auto it = pages_.find(value->cookie);
      if (it == pages_.end()) {
        return Reply(message, kLdapUnwillingToPerform, "00000057: the paging cookie is not ours");
      }
      search = std::move(it->second);
      pages_.erase(it);
    }
  }
  if (search == nullptr) {
    const LdapResult opened = tree_.Open(std::move(request), authenticated_, search);
    if (!opened.ok()) return {EncodeLdapResult(message, opened)};
  }
  return StartSearch(message, std::move(search));
}

LdapConnection::Answer LdapConnection::DirSync(const LdapMessage& message,
                                               const LdapSearchRequest& request) {
  const auto value = DecodeDirSyncValue(message.Find(kControlDirSync)->value);
  if (!value.ok()) return Reply(message, kLdapProtocolError, std::string(Message(value.status())));
  if (!authenticated_) return Reply(message, kLdapOperationsError, "bind first");
  if (faults_.forget_dirsync && !value->cookie.empty()) {
    return Reply(message, kLdapUnavailableCriticalExtension, "0000203D: the cookie is too old");
  }
  DirSyncRights rights;
  rights.replicate = !faults_.refuse_dirsync;
  rights.max_entries = options_.max_page_size;
  if (faults_.dirsync_page > 0) rights.max_entries = static_cast<size_t>(faults_.dirsync_page);
  const DirSyncAnswer found =
      ReadDirSync(world_, options_.forest, request, *value, rights, clock_.Wall());
  if (!found.result.ok()) return {EncodeLdapResult(message, found.result)};
  Answer answer;
  for (const LdapEntry& entry : found.entries) {
    answer.bytes += EncodeLdapEntry(message.id, entry, message.types_only);
  }
  answer.bytes += EncodeLdapResult(
      message, {}, {{std::string(kControlDirSync), false, EncodeDirSyncValue(found)}});
  return answer;
}

LdapConnection::Answer LdapConnection::Watch(const LdapMessage& message,
                                             LdapSearchRequest request) {
  if (!authenticated_) return Reply(message, kLdapOperationsError, "bind first");
  if (faults_.refuse_notify) return Reply(message, kLdapInsufficientAccess, "access denied");
  const bool simple = request.filter.kind == LdapFilter::Kind::kPresent &&
                      request.filter.attribute == "objectclass";
  if (!simple) return Reply(message, kLdapUnwillingToPerform, "Search filter too complex");
  const bool head =
      NormalizeDn(request.base) == NormalizeDn(world_.people(options_.forest).base_dn());
  if (request.scope == LdapSearchRequest::Scope::kSubtree && !head) {
    return Reply(message, kLdapUnwillingToPerform, "a subtree only at a naming context's head");
  }
  if (watched_.size() >= kMaxWatched) {
    return Reply(message, kLdapAdminLimitExceeded, "MaxNotificationPerConn reached");
  }
  watched_.push_back({message, std::move(request)});
  return {};  // it is answered by changes alone
}

std::string LdapConnection::Tell(uint64_t person) {
  std::string bytes;
  if (faults_.mute_notify) return bytes;
  for (const Watched& each : watched_) {
    const auto entry = tree_.Show(each.request, person);
    if (entry) bytes += Encode(each.message, *entry);
  }
  return bytes;
}

LdapConnection::Answer LdapConnection::StartSearch(const LdapMessage& message,
                                                   std::unique_ptr<LdapSearch> search) {
  running_ = {message, std::move(search), MaxPage(), false};
  if (message.size_limit > 0) {
    running_.left = std::min(running_.left, static_cast<size_t>(message.size_limit));
  }
  if (const LdapControl* paged = message.Find(kControlPaged)) {
    const auto value = DecodePagedValue(paged->value);
    running_.paged = true;
    running_.left =
        std::min(MaxPage(), static_cast<size_t>(std::max(value.ok() ? value->size : 0, 0)));
    // A page of none ends a paged search (RFC 2696 3).
    if (running_.left == 0) {
      running_.search.reset();
      return {EncodeLdapResult(message, {},
                               {{std::string(kControlPaged), false, EncodePagedValue({0, ""})}})};
    }
  }
  return Continue();
}

LdapConnection::Answer LdapConnection::Continue() {
  Answer answer;
  const absl::Time now = clock_.Wall();
  const auto entries = running_.search->Next(std::min(running_.left, kEntriesAtOnce), now);
  for (const LdapEntry& entry : entries) {
    answer.bytes += Encode(running_.message, entry);
  }
  running_.left -= entries.size();
  if (IsOverLimit()) {
    answer.bytes += EncodeLdapResult(running_.message, {faults_.limit_code, "a limit of policy"});
    running_ = {};
    return answer;
  }
  if (running_.search->done() || running_.left == 0) {
    Answer end = Finish();
    answer.bytes += end.bytes;
  } else {
    answer.more = true;
  }
  return answer;
}

size_t LdapConnection::MaxPage() const {
  return faults_.page_limit > 0 ? static_cast<size_t>(faults_.page_limit) : options_.max_page_size;
}

bool LdapConnection::IsOverLimit() const {
  return faults_.match_limit > 0 &&
         running_.search->given() > static_cast<size_t>(faults_.match_limit);
}

std::string LdapConnection::Encode(const LdapMessage& message, LdapEntry entry) const {
  std::vector<std::string> asked = message.attributes;
  const ValueRanges ranges = TakeRanges(asked);
  ApplyRanges(ranges, static_cast<size_t>(std::max(faults_.value_limit, 0)), entry);
  return EncodeLdapEntry(message.id, entry, message.types_only);
}

LdapConnection::Answer LdapConnection::Finish() {
  Running running = std::move(running_);
  running_ = {};
  if (!running.paged) {
    const int code = running.search->done() ? kLdapSuccess : kLdapSizeLimitExceeded;
    return Reply(running.message, code, "");
  }
  PagedValue value;
  if (!running.search->done()) {
    value.cookie = Cat("cookie-", next_cookie_++);
    if (pages_.size() >= kMaxResultSets) pages_.erase(pages_.begin());
    pages_[value.cookie] = std::move(running.search);
  }
  return {EncodeLdapResult(running.message, {},
                           {{std::string(kControlPaged), false, EncodePagedValue(value)}})};
}

}  // namespace driftwarden::simulator
