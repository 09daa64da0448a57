#include "simulator/world.h"

#include <algorithm>

#include "base/check.h"
#include "base/strings.h"
#include "simulator/guid.h"

namespace driftwarden::simulator {

World::World(WorldOptions options) : options_(std::move(options)), now_(options_.start) {
  const auto advance = [this](absl::Time now) { AdvanceTo(now); };
  for (size_t i = 0; i < options_.forests.size(); ++i) {
    ForestOptions forest = options_.forests[i];
    forest.people.seed = HashPair(options_.seed, HashPair(forest.people.seed, i));
    forest.directory.start = options_.start;
    forests_.push_back(std::make_unique<Forest>(forest.people));
    forests_[i]->directory =
        std::make_unique<Directory>(i, forests_[i]->people, forest.directory, truth_, advance);
  }
  std::vector<Actors::Site> places;
  for (size_t i = 0; i < options_.tenants.size(); ++i) {
    const TenantOptions& tenant = options_.tenants[i];
    DW_CHECK(tenant.forest < forests_.size());
    Directory& directory = *forests_[tenant.forest]->directory;
    auto site = std::make_unique<Site>();
    site->tenant = std::make_unique<Tenant>(i, forests_[tenant.forest]->people, tenant,
                                            options_.start, truth_, advance);
    site->sync =
        std::make_unique<SyncEngine>(directory, *site->tenant, options_.sync, options_.start);
    // The tenant tells of the way in which its people sign in.
    const AuthMode mode = options_.actors.mode;
    TenantSettings& settings = site->tenant->settings();
    settings.password_sync = mode == AuthMode::kPasswordHashSync;
    if (mode == AuthMode::kFederated) {
      settings.domains[forests_[tenant.forest]->people.options().domain].federated = true;
    }
    places.push_back({site->tenant.get(), &directory, tenant.forest});
    sites_.push_back(std::move(site));
  }
  actors_ = std::make_unique<Actors>(std::move(places), options_.actors, options_.start, truth_);
}

absl::Time World::NextEventAt() {
  absl::Time next = actors_->NextEventAt();
  for (const auto& site : sites_) next = std::min(next, site->sync->NextEventAt());
  return next;
}

void World::AdvanceTo(absl::Time now) {
  if (advancing_) return;
  advancing_ = true;
  for (absl::Time next = NextEventAt(); next <= now && next != absl::InfiniteFuture();
       next = NextEventAt()) {
    const absl::Time at = std::max(next, now_);
    now_ = at;
    const auto due = std::find_if(sites_.begin(), sites_.end(), [next](const auto& site) {
      return site->sync->NextEventAt() == next;
    });
    if (due != sites_.end()) {
      (*due)->sync->Step(at);
    } else {
      actors_->Step(at);
    }
  }
  now_ = std::max(now_, now);
  advancing_ = false;
}

StatusOr<bool> World::SignIn(std::string_view sam, absl::Time now, size_t tenant) {
  AdvanceTo(now);
  const auto person = sites_[tenant]->tenant->people().BySam(sam);
  if (!person) return NotFoundError(Cat("nobody is called ", Printable(sam, 64)));
  return actors_->SignIn(tenant, *person, now);
}

void World::NoteAsked(const std::string& client_request_id, absl::Time now) {
  std::deque<Asked>& asked = truth_.asked;
  if (asked.empty() || asked.back().client_request_id != client_request_id) {
    asked.push_back({now, client_request_id, 0});
    if (asked.size() > kAskedKept) asked.pop_front();
  }
  ++asked.back().requests;
}

}  // namespace driftwarden::simulator
