#pragma once

// One bound LDAP session with one domain controller, as the AD source uses it. Results are raw
// entries; decoding is pure and elsewhere (observe.h). One operation at a time.

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "base/status.h"
#include "base/time.h"
#include "watchers/directory/bind_options.h"

namespace driftwarden::directory {

namespace asio = boost::asio;

// Attribute names in lower case; values are raw bytes.
struct Entry {
  std::string dn;
  std::map<std::string, std::vector<std::string>, std::less<>> attributes;

  // The first value; null when the attribute is absent.
  const std::string* First(std::string_view lower_name) const;
};

// What changed since a cookie (MS-ADTS 3.1.1.3.4.1.3). The base is the head of a naming context.
struct DirSyncRequest {
  uint32_t flags = 0;           // bit 31 is a flag too, so it goes out as a signed number
  int32_t max_bytes = 1 << 20;  // of one answer; a wish
  std::string cookie;           // opaque; empty: everything
};

struct SearchRequest {
  enum class Scope { kBase, kSubtree };
  std::string base;
  Scope scope = Scope::kSubtree;
  std::string filter;
  std::vector<std::string> attributes;
  bool show_deleted = false;  // control 1.2.840.113556.1.4.417
  int page_size = 1000;       // 0: unpaged (base reads)
  std::string cookie;         // of the page before; empty: the first page
  // Control 1.2.840.113556.1.4.841, which takes the place of paging.
  std::optional<DirSyncRequest> dir_sync;
};

struct SearchPage {
  std::vector<Entry> entries;
  std::string cookie;  // empty: that was the last page
  // Of a DirSync search: where it stands, and whether there is more now, which an answer without
  // entries may say as well.
  std::string dir_sync_cookie;
  bool dir_sync_more = false;
};

struct SessionOptions {
  std::string source;  // for error texts
  std::string server;  // ldaps://host[:port] or ldap://host[:port]
  bool start_tls = false;
  std::string ca_file;  // PEM, read at every connect; empty: the system's roots
  BindOptions bind;
  absl::Duration network_timeout = absl::Seconds(10);
  absl::Duration search_timeout = absl::Seconds(120);
};

// Errors say source, server, what was refused and how to mend it: Unavailable (cannot connect,
// connection lost, busy), Unauthenticated (bind refused), PermissionDenied, NotFound (the base),
// FailedPrecondition (paging cookie gone, a control refused), InvalidArgument (settings),
// ResourceExhausted (a size, time or administrative limit), DeadlineExceeded (search_timeout),
// DataLoss (bytes that make no sense), Cancelled. A session whose connection is lost, or whose
// search was cancelled or timed out, answers Unavailable from then on: open another.
class Session {
 public:
  virtual ~Session() = default;
  virtual asio::awaitable<StatusOr<SearchPage>> Search(SearchRequest request) = 0;

  // What keeps others from reading along: "TLS", "TLS, Kerberos", "Kerberos (256 bits)".
  virtual std::string Protection() const { return ""; }
  // A file that it was opened with has changed since, or its tickets are about to end: time to open
  // another, and to keep this one until that is there (renewal_watch.h).
  virtual bool RenewalDue() const { return false; }
  virtual void RenewalFailed(const Status& why) { static_cast<void>(why); }
  // Asks once to be told of every change within the request's scope (control
  // 1.2.840.113556.1.4.528): only (objectClass=*), and a subtree only at the head of a naming
  // context. A server says nothing when it agrees; a refusal comes from Next. Searches may still be
  // made between two calls of Next, which gives what arrived meanwhile.
  virtual asio::awaitable<Status> Watch(SearchRequest request);
  // Waits for the next changes, at most 128 of them, and gives the objects as they are now; nothing
  // after `at_most`. Any error ends the session.
  virtual asio::awaitable<StatusOr<std::vector<Entry>>> Next(absl::Duration at_most);
};

class SessionFactory {
 public:
  virtual ~SessionFactory() = default;
  // Connects, secures (certificate verified) and binds.
  virtual asio::awaitable<StatusOr<std::unique_ptr<Session>>> Open(SessionOptions options) = 0;
};

}  // namespace driftwarden::directory
