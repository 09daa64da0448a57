#include "watchers/directory/ranged_values.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/strings.h"
#include "monitor/ids.h"
#include "watchers/directory/schema.h"

namespace driftwarden::directory {
namespace {

constexpr std::string_view kRange = "range=";
// What may be read beside one answer.
constexpr size_t kMaxBytes = 64 << 20;
constexpr size_t kCost = 64;  // of a value, beside its bytes
constexpr int kMaxParts = 5000;

using Values = std::vector<std::string>;

struct Budget {
  int parts = kMaxParts;
  size_t bytes = kMaxBytes;
};
// False when it is more than there is; then there is nothing left.
bool Spend(Budget& budget, const Values& values) {
  size_t bytes = 0;
  for (const std::string& value : values) bytes += kCost + value.size();
  if (budget.parts == 0 || bytes > budget.bytes) {
    budget.parts = 0;
    return false;
  }
  --budget.parts;
  budget.bytes -= bytes;
  return true;
}

// A part that was given, by what it is called.
struct Part {
  RangedName name;
  Values values;
};

// Takes the first ranged attribute (or that of `attribute`) out of the entry.
std::optional<Part> TakePart(Entry& entry, std::string_view attribute = "") {
  for (auto at = entry.attributes.begin(); at != entry.attributes.end(); ++at) {
    auto name = ParseRangedName(at->first);
    if (!name || (!attribute.empty() && name->attribute != attribute)) continue;
    Part part{*std::move(name), std::move(at->second)};
    entry.attributes.erase(at);
    return part;
  }
  return std::nullopt;
}

// It goes on where `known` values end, and holds as many as it says.
bool Continues(const Part& part, size_t known) {
  if (part.name.first != known) return false;
  if (!part.name.last) return true;
  return !part.values.empty() && *part.name.last >= known &&
         *part.name.last - known == part.values.size() - 1;
}

Status Misfit(const Entry& entry, const Part& part) {
  return DataLossError(Cat("the values of ", Printable(part.name.attribute, 100), " of \"",
                           Printable(entry.dn),
                           "\" come in parts that do not fit together; the server is no domain "
                           "controller, or a broken one"));
}

std::string NameOf(const Entry& entry) {
  const std::string* const raw = entry.First(kObjectGuid);
  const auto guid = raw == nullptr ? std::nullopt : monitor::Guid::FromBytes(*raw);
  return guid ? Cat("<GUID=", guid->ToString(), '>') : entry.dn;  // a DN may change meanwhile
}

class RangesCompleted final : public Session {
 public:
  explicit RangesCompleted(std::unique_ptr<Session> inner) : inner_(std::move(inner)) {}

  asio::awaitable<StatusOr<SearchPage>> Search(SearchRequest request) override {
    const bool show_deleted = request.show_deleted;
    StatusOr<SearchPage> page = co_await inner_->Search(std::move(request));
    if (!page.ok()) co_return page;
    const Status whole = co_await CompleteAll(page->entries, show_deleted);
    if (!whole.ok()) co_return whole;
    co_return page;
  }
  std::string Protection() const override { return inner_->Protection(); }
  bool RenewalDue() const override { return inner_->RenewalDue(); }
  void RenewalFailed(const Status& why) override { inner_->RenewalFailed(why); }
  asio::awaitable<Status> Watch(SearchRequest request) override {
    const Status asked = co_await inner_->Watch(std::move(request));
    co_return asked;
  }
  asio::awaitable<StatusOr<std::vector<Entry>>> Next(absl::Duration at_most) override {
    StatusOr<std::vector<Entry>> changes = co_await inner_->Next(at_most);
    if (!changes.ok()) co_return changes;
    const Status whole = co_await CompleteAll(*changes, true);
    if (!whole.ok()) co_return whole;
    co_return changes;
  }

 private:
  asio::awaitable<Status> CompleteAll(std::vector<Entry>& entries, bool show_deleted) {
    Budget budget;
    for (Entry& entry : entries) {
      for (auto part = TakePart(entry); part; part = TakePart(entry)) {
        const Status read = co_await Complete(entry, *part, show_deleted, budget);
        if (!read.ok()) co_return read;
      }
    }
    co_return OkStatus();
  }

  // Reads on from `part`, which was taken out of `entry`.
  asio::awaitable<Status> Complete(Entry& entry, Part& part, bool show_deleted, Budget& budget) {
    const std::string attribute = part.name.attribute;
    const auto plain = entry.attributes.find(attribute);
    const bool twice = plain != entry.attributes.end() && !plain->second.empty();
    if (twice || !Continues(part, 0)) co_return Misfit(entry, part);
    entry.attributes.erase(attribute);
    Values all = std::move(part.values);
    while (part.name.last) {
      if (budget.parts == 0) co_return OkStatus();
      SearchRequest request;
      request.base = NameOf(entry);
      request.scope = SearchRequest::Scope::kBase;
      request.attributes = {Cat(attribute, ';', kRange, all.size(), "-*")};
      request.show_deleted = show_deleted;
      request.page_size = 0;
      StatusOr<SearchPage> page = co_await inner_->Search(std::move(request));
      if (page.status().code() == StatusCode::kNotFound) co_return OkStatus();
      if (!page.ok()) co_return page.status();
      if (page->entries.empty()) co_return OkStatus();
      auto next = TakePart(page->entries.front(), attribute);
      // Values were taken away meanwhile: that is a change, which is read by itself.
      if (!next) co_return OkStatus();
      part = *std::move(next);
      if (!Continues(part, all.size())) co_return Misfit(entry, part);
      if (!Spend(budget, part.values)) co_return OkStatus();
      std::move(part.values.begin(), part.values.end(), std::back_inserter(all));
    }
    entry.attributes.insert_or_assign(attribute, std::move(all));
    co_return OkStatus();
  }

  const std::unique_ptr<Session> inner_;
};

}  // namespace

std::optional<RangedName> ParseRangedName(std::string_view lower_name) {
  const size_t at = lower_name.find(Cat(';', kRange));
  if (at == std::string_view::npos || at == 0) return std::nullopt;
  std::string_view range = lower_name.substr(at + 1 + kRange.size());
  const size_t end = std::min(range.find(';'), range.size());
  RangedName name;
  name.attribute = Cat(lower_name.substr(0, at), range.substr(end));
  range = range.substr(0, end);
  const size_t dash = range.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto first = ParseUint64(range.substr(0, dash));
  if (!first) return std::nullopt;
  name.first = *first;
  if (range.substr(dash + 1) == "*") return name;
  name.last = ParseUint64(range.substr(dash + 1));
  if (!name.last || *name.last < name.first) return std::nullopt;
  return name;
}

std::unique_ptr<Session> CompletingRanges(std::unique_ptr<Session> inner) {
  return std::make_unique<RangesCompleted>(std::move(inner));
}

}  // namespace driftwarden::directory
