#include "simulator/actors.h"

namespace driftwarden::simulator {
namespace {

constexpr int kRefusedByDirectory = 50126;
constexpr int kDisabledInEntra = 50057;
constexpr int kRevoked = 50173;

}  // namespace

Actors::Actors(std::vector<Site> sites, ActorOptions options, absl::Time start, Truth& truth)
    : sites_(std::move(sites)), options_(options), start_(start), truth_(truth) {}

int Actors::Refuse(size_t tenant, uint64_t person, bool with_password, absl::Time now) const {
  const Site& site = sites_[tenant];
  const EntraUser user = site.tenant->Now(person);
  if (user.presence != Presence::kLive || !user.enabled) return kDisabledInEntra;
  if (!with_password) {
    const auto session = session_since_.find({tenant, person});
    const absl::Time since = session == session_since_.end() ? start_ : session->second;
    return user.sessions_valid_from && *user.sessions_valid_from > since ? kRevoked : 0;
  }
  // Expired accounts are refused by AD too, but expiry never reaches the cloud.
  const bool directory_refuses =
      !site.directory->IsEnabled(person) || site.directory->HasExpired(person, now);
  if (options_.mode != AuthMode::kPasswordHashSync && directory_refuses) return kRefusedByDirectory;
  return 0;
}

bool Actors::SignIn(size_t tenant, uint64_t person, absl::Time now) {
  const bool refreshed = Try(tenant, person, /*interactive=*/false, now);
  return refreshed || Try(tenant, person, /*interactive=*/true, now);
}

bool Actors::Try(size_t tenant, uint64_t person, bool interactive, absl::Time now) {
  const int code = Refuse(tenant, person, /*with_password=*/interactive, now);
  Note(tenant, person, interactive, code, now);
  if (code == 0 && interactive) session_since_[{tenant, person}] = now;
  return code == 0;
}

void Actors::Note(size_t tenant, uint64_t person, bool interactive, int code, absl::Time now) {
  truth_.sign_ins.push_back({now, tenant, person, interactive, code == 0, code});
  Tenant& site = *sites_[tenant].tenant;
  site.reports().SignedIn(person, interactive, code, site.faults().aggregate_sign_ins, now);
}

void Actors::Notice() {
  if (options_.stubborn_after == absl::InfiniteDuration()) return;
  for (; ad_seen_ < truth_.ad_changes.size(); ++ad_seen_) {
    const AdChange& change = truth_.ad_changes[ad_seen_];
    if (change.kind != AdChangeKind::kDisabled && change.kind != AdChangeKind::kDeleted) continue;
    for (size_t i = 0; i < sites_.size(); ++i) {
      if (sites_[i].forest != change.forest) continue;
      planned_.insert({change.at + options_.stubborn_after, {i, change.person}});
    }
  }
  for (; entra_seen_ < truth_.entra_changes.size(); ++entra_seen_) {
    const EntraChange& change = truth_.entra_changes[entra_seen_];
    if (change.kind != EntraChangeKind::kRevoked) continue;
    planned_.insert({change.at + options_.stubborn_after, {change.tenant, change.person}});
  }
}

absl::Time Actors::NextEventAt() {
  Notice();
  return planned_.empty() ? absl::InfiniteFuture() : planned_.begin()->first;
}

void Actors::Step(absl::Time at) {
  const Key key = planned_.begin()->second;
  planned_.erase(planned_.begin());
  const bool in = SignIn(key.first, key.second, at);
  // Who is enabled again in AD has no reason to be stubborn.
  const bool still_leaving = !sites_[key.first].directory->IsEnabled(key.second);
  if (in && still_leaving) planned_.insert({at + options_.stubborn_after, key});
}

}  // namespace driftwarden::simulator
