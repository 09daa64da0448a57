#include "simulator/ldap_connection.h"

#include <algorithm>

#include "base/strings.h"

namespace driftwarden::simulator {
namespace {

constexpr size_t kEntriesAtOnce = 200;  // written before other connections get their turn
constexpr size_t kMaxResultSets = 10;   // as Windows keeps for a connection

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
      return {};  // requests are served one by one: it has ended
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
  LdapSearchRequest request{message.name, message.scope, message.filter, message.attributes,
                            message.Find(kControlShowDeleted) != nullptr};
  for (const LdapControl& control : message.controls) {
    const bool known = control.oid == kControlPaged || control.oid == kControlShowDeleted;
    if (!known && control.critical) {
      return Reply(message, kLdapUnavailableCriticalExtension, Cat("control ", control.oid));
    }
  }
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

LdapConnection::Answer LdapConnection::StartSearch(const LdapMessage& message,
                                                   std::unique_ptr<LdapSearch> search) {
  running_ = {message, std::move(search), options_.max_page_size, false};
  if (message.size_limit > 0) {
    running_.left = std::min(running_.left, static_cast<size_t>(message.size_limit));
  }
  if (const LdapControl* paged = message.Find(kControlPaged)) {
    const auto value = DecodePagedValue(paged->value);
    running_.paged = true;
    running_.left = std::min(options_.max_page_size,
                             static_cast<size_t>(std::max(value.ok() ? value->size : 0, 0)));
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
    answer.bytes += EncodeLdapEntry(running_.message.id, entry, running_.message.types_only);
  }
  running_.left -= entries.size();
  if (running_.search->done() || running_.left == 0) {
    Answer end = Finish();
    answer.bytes += end.bytes;
  } else {
    answer.more = true;
  }
  return answer;
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
