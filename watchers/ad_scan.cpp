#include "watchers/ad_scan.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "watchers/directory/observe.h"
#include "watchers/directory/schema.h"

namespace driftwarden::watchers {
namespace {

using directory::Entry;
using directory::SearchPage;
using directory::SearchRequest;

constexpr int kMaxEmptyPages = 1000;  // in a row, before a server is held to be looping
constexpr int kQuarantineLines = 5;   // a poll, in the log

bool IsUnder(std::string_view dn, std::string_view base) {
  if (EqualsIgnoreCase(dn, base)) return true;
  return EndsWithIgnoreCase(dn, Cat(',', base));
}

}  // namespace

AdScan::AdScan(const AdSourceOptions& options, AdConnection& connection, const Clock& clock,
               Logger& log)
    : options_(options), connection_(connection), clock_(clock), log_(log) {}

void AdScan::StartPoll(const monitor::BatchId& batch) {
  if (quarantined_ > kQuarantineLines) {
    log_.Warn("ad_objects_quarantined", "objects with unreadable attributes were passed over",
              {{"source", options_.name.value}, {"batch", batch_.value}, {"count", quarantined_}});
  }
  batch_ = batch;
  newest_.reset();
  quarantined_ = 0;
}

void AdScan::TellIfHidden() {
  if (tombstones_ == 0) TellHidden();
}

asio::awaitable<Status> AdScan::Read(AdWindow window, AdRound& round) {
  found_ = 0;
  Query people;
  people.base = Base();
  people.condition = "(objectCategory=person)(objectClass=user)";
  const Status read = co_await Search(std::move(people), window, round);
  if (!read.ok()) co_return read;
  // Deletions come second: who is deleted between the two searches is then in the second one, or
  // has a USN above the window.
  Query deleted;
  deleted.base = Cat("<WKGUID=", directory::kDeletedObjectsWellKnownGuid, ',',
                     connection_.state().naming_context, '>');
  // A tombstone has no objectCategory.
  deleted.condition = "(isDeleted=TRUE)(objectClass=user)";
  deleted.tombstones = true;
  const Status gone = co_await Search(std::move(deleted), window, round);
  if (tombstones_ > 0 && options_.sight != nullptr) options_.sight->Lower(kTombstonesHidden);
  const bool refused =
      gone.code() == StatusCode::kNotFound || gone.code() == StatusCode::kPermissionDenied;
  if (refused) TellHidden();
  co_return refused ? OkStatus() : gone;
}

void AdScan::TellHidden() {
  if (options_.sight == nullptr) return;
  options_.sight->Raise(
      kTombstonesHidden,
      Cat("no deleted object is visible: either none was deleted in the tombstone lifetime, or "
          "deletions cannot be seen; grant ",
          options_.bind.Account(),
          " List Contents and Read Property on the Deleted Objects container"));
}

asio::awaitable<Status> AdScan::Search(Query query, AdWindow window, AdRound& round) {
  const bool divisible = !window.to || window.from < *window.to;
  std::string cookie;
  int pages = 0;
  int empty_pages = 0;
  do {
    if (++pages > 3 * kPages && empty_pages == 0) {
      if (!divisible) co_return Endless();  // one USN has one object
      co_return MakeStatus(StatusCode::kResourceExhausted,
                           Cat(options_.name.value, ": the window has too many pages"));
    }
    SearchRequest request = Request(query, window);
    request.cookie = std::move(cookie);
    TimeBounds at;
    at.lo = clock_.Wall();
    StatusOr<SearchPage> page = co_await connection_.session().Search(std::move(request));
    if (!page.ok()) co_return page.status();
    at.hi = std::max(at.lo, clock_.Wall());
    found_ += page->entries.size();
    empty_pages = page->entries.empty() ? empty_pages + 1 : 0;
    if (empty_pages > kMaxEmptyPages) co_return Endless();
    cookie = std::move(page->cookie);
    if (query.tombstones) {
      tombstones_ += page->entries.size();
      std::erase_if(page->entries, [this](const Entry& entry) { return !InScope(entry); });
    }
    std::vector<monitor::AdView> views = Observe(page->entries);
    const Status added = co_await round.Add(std::move(views), at);
    if (!added.ok()) co_return added;
  } while (!cookie.empty());
  co_return OkStatus();
}

Status AdScan::Endless() const {
  return DataLossError(
      Cat(options_.name.value, ": ", connection_.server(), " sends pages without end"));
}

SearchRequest AdScan::Request(const Query& query, const AdWindow& window) const {
  SearchRequest request;
  request.base = query.base;
  std::string usn;
  if (window.from > 0) usn += Cat("(uSNChanged>=", window.from, ')');
  if (window.to) usn += Cat("(uSNChanged<=", *window.to, ')');
  request.filter = Cat("(&", query.condition, usn, ')');
  request.attributes = directory::RequestedAttributes(options_.Observing());
  request.show_deleted = query.tombstones;
  request.page_size = options_.page_size;
  return request;
}

StatusOr<std::optional<monitor::AdView>> AdScan::ObserveEntry(const Entry& entry) const {
  return directory::ObserveAccount(entry, options_.Observing());
}

std::vector<monitor::AdView> AdScan::Observe(const std::vector<Entry>& entries) {
  std::vector<monitor::AdView> views;
  for (const Entry& entry : entries) {
    auto view = ObserveEntry(entry);
    if (!view.ok()) {
      if (++quarantined_ <= kQuarantineLines) {
        log_.Warn("ad_object_quarantined", Message(view.status()),
                  {{"source", options_.name.value},
                   {"batch", batch_.value},
                   {"server", connection_.server()}});
      }
      continue;
    }
    if (!view->has_value()) continue;
    if (options_.sight != nullptr) options_.sight->NoteAccount(**view);
    views.push_back(**std::move(view));
    const monitor::AdView& seen = views.back();
    if (!newest_ || seen.usn_changed > newest_->usn) {
      newest_ = AdCanary{seen.object_guid, seen.usn_changed};
    }
  }
  return views;
}

bool AdScan::InScope(const Entry& entry) const {
  const std::string base = Base();
  if (EqualsIgnoreCase(base, connection_.state().naming_context)) return true;
  const std::string* const deleted = entry.First(directory::kIsDeleted);
  if (deleted == nullptr || *deleted != "TRUE") return IsUnder(entry.dn, base);
  const std::string* const parent = entry.First(directory::kLastKnownParent);
  // Unknown, or deleted itself: better one too many than a deletion that nobody sees.
  if (parent == nullptr || parent->find("\\0ADEL:") != std::string::npos) return true;
  return IsUnder(*parent, base);
}

std::string AdScan::Base() const {
  return options_.base_dn.empty() ? connection_.state().naming_context : options_.base_dn;
}

}  // namespace driftwarden::watchers
