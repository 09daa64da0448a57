#pragma once

// People who sign in. They try when told to, and, if they are stubborn, again and again after they
// were disabled or their sessions were revoked; whether it works follows from the authentication
// mode: under password hash sync Entra alone decides, otherwise the directory is asked too.

#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "simulator/directory.h"
#include "simulator/tenant.h"
#include "simulator/truth.h"

namespace driftwarden::simulator {

enum class AuthMode { kPasswordHashSync, kPassThrough, kFederated };

struct ActorOptions {
  AuthMode mode = AuthMode::kPasswordHashSync;
  // After an AD disable or a revocation a person tries so much later, and repeats while it works.
  absl::Duration stubborn_after = absl::InfiniteDuration();  // infinite: nobody does
};

class Actors {
 public:
  struct Site {
    Tenant* tenant = nullptr;
    Directory* directory = nullptr;
    size_t forest = 0;
  };

  // What the sites point to and `truth` must outlive it.
  Actors(std::vector<Site> sites, ActorOptions options, absl::Time start, Truth& truth);

  // An attempt now: the refresh of the session they have, and if that is refused a sign-in with
  // the password. True: they are in.
  bool SignIn(size_t tenant, uint64_t person, absl::Time now);
  // One of the two alone. True: it worked.
  bool Try(size_t tenant, uint64_t person, bool interactive, absl::Time now);
  // An attempt with that outcome, whatever the state of the account: what happens where a token
  // outlives its account, and what no reader can explain. Code 0: it worked.
  void Note(size_t tenant, uint64_t person, bool interactive, int code, absl::Time now);

  absl::Time NextEventAt();
  void Step(absl::Time at);
  const ActorOptions& options() const { return options_; }

 private:
  using Key = std::pair<size_t, uint64_t>;  // tenant, person

  void Notice();  // reads on in the truth and plans attempts
  int Refuse(size_t tenant, uint64_t person, bool with_password, absl::Time now) const;

  const std::vector<Site> sites_;
  const ActorOptions options_;
  const absl::Time start_;
  Truth& truth_;
  std::map<Key, absl::Time> session_since_;  // absent: since the start
  std::multimap<absl::Time, Key> planned_;
  size_t ad_seen_ = 0;
  size_t entra_seen_ = 0;
};

}  // namespace driftwarden::simulator
