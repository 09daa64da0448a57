// evidence verify, store stats and store check: on a data directory, reading only.

#include <cstdio>
#include <memory>

#include "base/strings.h"
#include "daemon/chain_watch.h"
#include "daemon/json_text.h"
#include "daemon/text_table.h"
#include "daemon/verbs.h"
#include "store/rocks_store.h"

namespace driftwarden::daemon {

namespace json = boost::json;

namespace {

constexpr size_t kPage = 1000;

StatusOr<std::unique_ptr<store::StateStore>> OpenReadOnly(const std::string& data_dir) {
  store::RocksStoreOptions options;
  options.path = data_dir + "/state";
  options.read_only = true;
  return store::OpenRocksStore(options);
}

struct Head {
  std::string link;
  uint64_t seq = 0;
  std::string hash;  // hex
  bool met = false;
};

StatusOr<Head> ParseHead(const std::string& text) {
  const std::vector<std::string> parts = SplitString(text, ':');
  const auto seq = parts.size() == 3 ? ParseUint64(parts[1]) : std::nullopt;
  if (!seq || parts[2].size() < 8) {
    return InvalidError(Cat("--expect-head \"", Printable(text, 120), "\" is not LINK:SEQ:HASH"));
  }
  return Head{parts[0], *seq, ToLowerAscii(parts[2]), false};
}

// Walks one link's chain from its first entry to its head.
Status VerifyLink(store::StateStore& store, const monitor::LinkName& link,
                  std::vector<Head>* expected) {
  DW_ASSIGN_OR_RETURN(const auto state, store.LoadLink(link));
  if (!state.has_value()) return DataLossError(Cat(link.value, ": the link's record is missing"));
  ChainPlace place;
  const auto meet = [&](const monitor::EvidenceEntry& entry) {
    const std::string text = HexEncode(DigestBytes(entry.hash));
    for (Head& head : *expected) {
      if (head.link == link.value && head.seq == entry.seq && text.starts_with(head.hash)) {
        head.met = true;
      }
    }
  };
  size_t entries = kPage;
  while (entries == kPage) {
    DW_ASSIGN_OR_RETURN(entries, VerifyPage(store, link, kPage, place, meet));
  }
  DW_RETURN_IF_ERROR(VerifyEnd(place, *state));
  const auto count = static_cast<unsigned long long>(place.seq);
  std::printf("ok    %s: %llu entries, head %s:%llu:%s\n", link.value.c_str(), count,
              link.value.c_str(), count, HexEncode(DigestBytes(place.hash)).c_str());
  return OkStatus();
}

}  // namespace

int VerbEvidenceVerify(const std::string& data_dir,
                       const std::vector<std::string>& expected_heads) {
  std::vector<Head> expected;
  for (const std::string& text : expected_heads) {
    const auto head = ParseHead(text);
    if (!head.ok()) return Complain(head.status());
    expected.push_back(*head);
  }
  const auto store = OpenReadOnly(data_dir);
  if (!store.ok()) {
    Complain(store.status());
    return kExitRuntime;
  }
  const auto links = (*store)->Links();
  if (!links.ok()) {
    Complain(links.status());
    return kExitRuntime;
  }
  bool whole = true;
  for (const monitor::LinkName& link : *links) {
    const Status verified = VerifyLink(**store, link, &expected);
    if (verified.ok()) continue;
    std::printf("BROKEN %s\n", std::string(Message(verified)).c_str());
    whole = false;
  }
  for (const Head& head : expected) {
    if (head.met) continue;
    std::printf(
        "BROKEN %s: entry %llu with hash %s… is not in the chain: it was cut or rewritten\n",
        head.link.c_str(), static_cast<unsigned long long>(head.seq), head.hash.c_str());
    whole = false;
  }
  return whole ? kExitOk : kExitRuntime;
}

int VerbStoreStats(const std::string& data_dir, bool as_json) {
  const auto store = OpenReadOnly(data_dir);
  const auto stats = store.ok() ? (*store)->Stats() : StatusOr<store::StoreStats>(store.status());
  if (!stats.ok()) {
    Complain(stats.status());
    return kExitRuntime;
  }
  if (as_json) {
    json::object out;
    out["path"] = stats->path;
    out["schema"] = stats->schema;
    json::object keys;
    for (const auto& [name, count] : stats->keys) keys[name] = count;
    json::object bytes;
    for (const auto& [name, count] : stats->bytes) bytes[name] = count;
    out["keys"] = std::move(keys);
    out["bytes"] = std::move(bytes);
    std::fputs(PrettyJson(out).c_str(), stdout);
    return kExitOk;
  }
  std::vector<TextRow> rows;
  for (const auto& [name, count] : stats->keys) rows.push_back({"keys", name, Cat(count)});
  for (const auto& [name, count] : stats->bytes) rows.push_back({"bytes", name, Cat(count)});
  std::printf("%s, schema %u\n", stats->path.c_str(), stats->schema);
  std::fputs(RenderTable({"", "PART", "COUNT"}, rows).c_str(), stdout);
  return kExitOk;
}

int VerbStoreCheck(const std::string& data_dir) {
  const auto store = OpenReadOnly(data_dir);
  const auto faults =
      store.ok() ? (*store)->Check() : StatusOr<std::vector<std::string>>(store.status());
  if (!faults.ok()) {
    Complain(faults.status());
    return kExitRuntime;
  }
  for (const std::string& fault : *faults) std::printf("fault %s\n", fault.c_str());
  if (faults->empty()) std::printf("ok    every record reads and every index and counter agrees\n");
  return faults->empty() ? kExitOk : kExitRuntime;
}

}  // namespace driftwarden::daemon
