#include "monitor/policy_epoch.h"

#include "base/bytes.h"
#include "base/hex.h"
#include "base/strings.h"

namespace driftwarden::monitor {
namespace {

constexpr size_t kDigestBytes = 8;  // enough to tell two policies apart

template <typename T, typename Put>
void PutMaybe(ByteWriter& out, const std::optional<T>& value, Put put) {
  out.Bool(value.has_value());
  if (value) put(*value);
}

void PutMaybe(ByteWriter& out, const std::optional<absl::Duration>& value) {
  PutMaybe(out, value, [&](absl::Duration d) { out.Duration(d); });
}

template <typename E>
void PutNumber(ByteWriter& out, E value) {
  out.U8(static_cast<uint8_t>(value));
}

void Put(ByteWriter& out, const std::vector<std::string>& texts) {
  out.Varint(texts.size());
  for (const std::string& text : texts) out.Bytes(text);
}

void Put(ByteWriter& out, const ClassMatch& match) {
  const auto& [upns, ous, attribute] = match;
  Put(out, upns);
  Put(out, ous);
  out.Varint(attribute.size());
  for (const auto& [name, value] : attribute) {
    out.Bytes(name);
    out.Bytes(value);
  }
}

void Put(ByteWriter& out, const TierPolicy& tier) {
  const auto& [name, match, warn_after, revoke_after, breach_after] = tier;
  const auto& [admin_count, ous, groups, entra_roles] = match;
  out.Bytes(name.value);
  out.Bool(admin_count);
  Put(out, ous);
  Put(out, groups);
  Put(out, entra_roles);
  for (const auto* after : {&warn_after, &revoke_after, &breach_after}) PutMaybe(out, *after);
}

void Put(ByteWriter& out, const ModeRule& rule) {
  const auto& [link, tier, action, mode] = rule;
  PutMaybe(out, link, [&](const LinkName& name) { out.Bytes(name.value); });
  PutMaybe(out, tier, [&](const TierName& name) { out.Bytes(name.value); });
  PutMaybe(out, action, [&](ActionKind kind) { PutNumber(out, kind); });
  PutNumber(out, mode);
}

void Put(ByteWriter& out, const Budgets& budgets) {
  const auto& [per_10m, per_hour, per_person, window, per_episode] = budgets;
  for (const int count : {per_10m, per_hour, per_person, per_episode}) {
    out.Varint(static_cast<uint64_t>(count));
  }
  out.Duration(window);
}

class Parts {
 public:
  void Add(const std::string& name, ByteWriter part) {
    const Sha256Digest digest = Sha256(part.Take());
    digests_[name] = HexEncode(DigestBytes(digest).substr(0, kDigestBytes));
  }
  std::map<std::string, std::string> Take() { return std::move(digests_); }

 private:
  std::map<std::string, std::string> digests_;
};

ByteWriter Text(std::string_view text) {
  ByteWriter out;
  out.Bytes(text);
  return out;
}

}  // namespace

// The structured bindings here and above do not compile when a field is added and left out.
std::map<std::string, std::string> PolicyParts(const Policy& policy) {
  const auto& [link, sync_engine, auth_mode, auth_domains, sync_actors, require_revocation,
               act_on_expired, reset_without_revoke, settle, tiers, classes, remediation,
               poll_intervals, ad_sources, with_one_dc, entra_source, own_app_id, collapse_after,
               token_lifetime] = policy;  // the last three are no part of how people are judged
  const auto& [mode, modes, actions, budgets, breakers] = remediation;
  const auto& [max_percent_per_day, quiet] = breakers;
  Parts parts;
  parts.Add("link", Text(link.value));
  ByteWriter engine;
  PutNumber(engine, sync_engine);
  PutMaybe(engine, auth_mode, [&](AuthMode written) { PutNumber(engine, written); });
  engine.Varint(auth_domains.size());
  for (const auto& [domain, written] : auth_domains) {
    engine.Bytes(domain);
    PutNumber(engine, written);
  }
  Put(engine, sync_actors);
  parts.Add("engine", std::move(engine));
  ByteWriter revocation;
  revocation.Bool(require_revocation);
  parts.Add("require_revocation", std::move(revocation));
  ByteWriter expired;
  expired.Bool(act_on_expired);
  parts.Add("act_on_expired", std::move(expired));
  ByteWriter resets;
  resets.Bool(reset_without_revoke);
  parts.Add("reset_without_revoke", std::move(resets));
  ByteWriter settling;
  PutMaybe(settling, settle);
  parts.Add("settle", std::move(settling));
  ByteWriter tier_list;
  for (const TierPolicy& tier : tiers) Put(tier_list, tier);
  parts.Add("tiers", std::move(tier_list));
  ByteWriter class_list;
  for (const auto& [name, match] : classes) {
    PutNumber(class_list, name);
    Put(class_list, match);
  }
  parts.Add("classes", std::move(class_list));
  ByteWriter acting;
  PutNumber(acting, mode);
  acting.Varint(modes.size());
  for (const ModeRule& rule : modes) Put(acting, rule);
  for (const ActionKind action : actions) PutNumber(acting, action);
  parts.Add("remediation", std::move(acting));
  ByteWriter limits;
  Put(limits, budgets);
  parts.Add("budgets", std::move(limits));
  ByteWriter brakes;
  brakes.Bytes(Cat(max_percent_per_day));
  brakes.Duration(quiet);
  parts.Add("breakers", std::move(brakes));
  ByteWriter sources;
  for (const auto& [name, interval] : poll_intervals) {
    sources.Bytes(name.value);
    sources.Duration(interval);
  }
  for (const SourceName& name : ad_sources) sources.Bytes(name.value);
  sources.Varint(with_one_dc.size());
  for (const SourceName& name : with_one_dc) sources.Bytes(name.value);
  sources.Bytes(entra_source.value);
  parts.Add("sources", std::move(sources));
  return parts.Take();
}

PolicyStamp StampOf(const Policy& policy, std::string actor) {
  return {std::move(actor), PolicyParts(policy)};
}

std::string PolicyHash(const std::map<std::string, std::string>& parts) {
  ByteWriter out;
  for (const auto& [name, digest] : parts) {
    out.Bytes(name);
    out.Bytes(digest);
  }
  return HexEncode(DigestBytes(Sha256(out.Take())));
}

std::vector<std::string> ChangedParts(const std::map<std::string, std::string>& before,
                                      const std::map<std::string, std::string>& after) {
  std::vector<std::string> changed;
  for (const auto& [name, digest] : after) {
    const auto known = before.find(name);
    if (known == before.end() || known->second != digest) changed.push_back(name);
  }
  return changed;
}

}  // namespace driftwarden::monitor
