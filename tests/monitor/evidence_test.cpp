#include "monitor/evidence.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/strings.h"

namespace driftwarden::monitor {
namespace {

std::vector<EvidenceEntry> Chain(LinkState& link, int count) {
  std::vector<EvidenceEntry> entries;
  for (int i = 0; i < count; ++i) {
    EvidenceEntry entry;
    entry.type = "ad_disabled";
    entry.person = static_cast<PersonOrdinal>(i);
    entry.episode = Cat("e", i, ".l");
    entry.at = absl::FromUnixSeconds(1'800'000'000 + i);
    entry.details["version"] = Cat(i);
    ChainEvidence(link, entry);
    entries.push_back(entry);
  }
  return entries;
}

Status VerifyAll(const std::vector<EvidenceEntry>& entries) {
  uint64_t seq = 0;
  Sha256Digest hash{};
  for (const EvidenceEntry& entry : entries) {
    DW_RETURN_IF_ERROR(VerifyEvidence(entry, seq, hash));
    seq = entry.seq;
    hash = entry.hash;
  }
  return OkStatus();
}

TEST(Evidence, AChainVerifiesAndMovesTheHead) {
  LinkState link;
  link.name = LinkName("l");
  const auto entries = Chain(link, 5);
  EXPECT_TRUE(VerifyAll(entries).ok());
  EXPECT_EQ(link.evidence_seq, 5u);
  EXPECT_EQ(link.evidence_hash, entries.back().hash);
}

TEST(Evidence, EveryKindOfTamperingShows) {
  using Entries = std::vector<EvidenceEntry>;
  const std::function<void(Entries&)> tampers[] = {
      [](Entries& e) { e[2].type = "ad_enabled"; },
      [](Entries& e) { e[2].person = 99; },
      [](Entries& e) { e[2].person.reset(); },
      [](Entries& e) { e[2].details["version"] = "9"; },
      [](Entries& e) { e[2].details.clear(); },
      [](Entries& e) { e[2].at += absl::Microseconds(1); },
      [](Entries& e) { e[2].episode = "e1.l"; },
      [](Entries& e) { e[2].link = LinkName("m"); },
      [](Entries& e) { e[2].fact.hi = absl::UnixEpoch(); },
      [](Entries& e) { e[2].hash[0] ^= 1; },
      [](Entries& e) { e.erase(e.begin() + 2); },
      [](Entries& e) { e.erase(e.begin()); },
      [](Entries& e) { std::swap(e[1], e[2]); },
      [](Entries& e) {  // rehashed, but the successor knows better
        e[2].type = "ad_enabled";
        e[2].hash = Sha256(CanonicalEvidence(e[2]));
      },
  };
  int index = 0;
  for (const auto& tamper : tampers) {
    LinkState link;
    link.name = LinkName("l");
    Entries entries = Chain(link, 5);
    tamper(entries);
    const Status status = VerifyAll(entries);
    EXPECT_EQ(status.code(), StatusCode::kDataLoss) << "tampering " << index;
    EXPECT_NE(status.message().find("evidence of link"), absl::string_view::npos);
    ++index;
  }
}

TEST(Evidence, FieldsCannotRunIntoEachOther) {
  EvidenceEntry a;
  a.episode = "ab";
  a.action = "c";
  EvidenceEntry b;
  b.episode = "a";
  b.action = "bc";
  EXPECT_NE(CanonicalEvidence(a), CanonicalEvidence(b));
}

}  // namespace
}  // namespace driftwarden::monitor
