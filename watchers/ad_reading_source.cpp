#include "watchers/ad_reading_source.h"

#include <algorithm>
#include <utility>

#include "base/hex.h"
#include "base/strings.h"
#include "monitor/policy.h"
#include "watchers/ad_cursor.h"
#include "watchers/ad_dirsync_cursor.h"

namespace driftwarden::watchers {
namespace {

// Raised when a version of the program reads more of an account than the one before.
constexpr std::string_view kReads = "r1:";
constexpr size_t kMarkBytes = 8;

void AddList(std::string& text, std::vector<std::string> list) {
  std::sort(list.begin(), list.end());
  for (const std::string& each : list) text += Cat(each.size(), ":", each);
  text += ";";
}

std::vector<std::string> NormalDns(const std::vector<std::string>& dns) {
  std::vector<std::string> out;
  for (const std::string& dn : dns) out.push_back(monitor::NormalDn(dn));
  return out;
}

std::string MarkOf(const AdSourceOptions& options) {
  std::string way = options.UsesConsistencyGuid() ? "consistency;" : "objectguid;";
  AddList(way, {monitor::NormalDn(options.base_dn)});
  AddList(way, NormalDns(options.scope_options.include));
  AddList(way, NormalDns(options.scope_options.exclude));
  AddList(way, {options.scope_options.filter});
  AddList(way, options.kept_attributes);
  const Sha256Digest digest = Sha256(way);
  return Cat(kReads, HexEncode(DigestBytes(digest).substr(0, kMarkBytes)), " ");
}

// Of another way, or of a version that put none.
std::string_view WithoutMark(std::string_view cursor) {
  const size_t end = cursor.find(' ');
  const bool marked = cursor.starts_with("r") && end != std::string_view::npos &&
                      cursor.substr(0, end).find(':') != std::string_view::npos;
  return marked ? cursor.substr(end + 1) : cursor;
}

}  // namespace

// Puts the mark before every cursor on its way to the links.
class AdReadingSource::Marking final : public BatchSink {
 public:
  Marking(const std::string& mark, BatchSink& sink) : mark_(mark), sink_(sink) {}

  asio::awaitable<Status> Deliver(monitor::ChangeBatch batch) override {
    if (!batch.cursor.empty()) batch.cursor.insert(0, mark_);
    const Status delivered = co_await sink_.Deliver(std::move(batch));
    co_return delivered;
  }

 private:
  const std::string& mark_;
  BatchSink& sink_;
};

AdReadingSource::AdReadingSource(ChangeSource& source, const AdSourceOptions& options)
    : source_(source), mark_(MarkOf(options)) {}

asio::awaitable<Status> AdReadingSource::Poll(std::string cursor, monitor::BatchId batch,
                                              BatchSink& sink) {
  Marking marking(mark_, sink);
  std::string inner;
  if (cursor.starts_with(mark_)) {
    inner = cursor.substr(mark_.size());
  } else if (!cursor.empty()) {
    // A cookie of DirSync tells of changes only: everybody is read by USN.
    inner = Cat(kReadAnew, ParseDirSyncCursor(WithoutMark(cursor)).usn);
  }
  const Status polled = co_await source_.Poll(std::move(inner), std::move(batch), marking);
  co_return polled;
}

}  // namespace driftwarden::watchers
