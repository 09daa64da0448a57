#pragma once

// One client of the simulated domain controller, request by request, without the socket: bytes in,
// bytes out. The server owns the stream and does what an Answer asks of it.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "simulator/ber.h"
#include "simulator/ldap_server.h"
#include "simulator/ldap_tree.h"

namespace driftwarden::simulator {

class LdapConnection {
 public:
  // What is referred to must outlive it.
  LdapConnection(World& world, const Clock& clock, const LdapServerOptions& options,
                 const LdapFaults& faults)
      : world_(world),
        tree_(world, options.forest),
        clock_(clock),
        options_(options),
        faults_(faults) {}

  struct Answer {
    std::string bytes;
    bool start_tls = false;  // after the bytes
    bool close = false;
    bool more = false;  // call Continue() for the rest of a long search
  };

  // `secure`: TLS stands.
  Answer Handle(const LdapMessage& message, bool secure);
  Answer Continue();
  // What notification searches say of the person's change; empty when there are none.
  std::string Tell(uint64_t person);

 private:
  // A search whose answer is under way, or a page of it.
  struct Running {
    LdapMessage message;
    std::unique_ptr<LdapSearch> search;
    size_t left = 0;  // entries it may still send
    bool paged = false;
  };

  Answer Bind(const LdapMessage& message, bool secure);
  Answer Search(const LdapMessage& message);
  Answer DirSync(const LdapMessage& message, const LdapSearchRequest& request);
  Answer Watch(const LdapMessage& message, LdapSearchRequest request);
  Answer StartSearch(const LdapMessage& message, std::unique_ptr<LdapSearch> search);
  Answer Extended(const LdapMessage& message, bool secure);
  Answer Write(const LdapMessage& message);
  Answer Finish();
  size_t MaxPage() const;
  bool IsOverLimit() const;
  std::string Encode(const LdapMessage& message, LdapEntry entry) const;

  // A notification search. It is not stored: with its connection it is gone.
  struct Watched {
    LdapMessage message;
    LdapSearchRequest request;
  };

  World& world_;
  LdapTree tree_;
  const Clock& clock_;
  const LdapServerOptions& options_;
  const LdapFaults& faults_;
  bool authenticated_ = false;
  bool admin_ = false;
  Running running_;
  std::map<std::string, std::unique_ptr<LdapSearch>> pages_;  // by cookie
  uint64_t next_cookie_ = 1;
  std::vector<Watched> watched_;
};

}  // namespace driftwarden::simulator
