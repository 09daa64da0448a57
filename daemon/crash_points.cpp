#include "daemon/crash_points.h"

#include <csignal>
#include <cstdlib>
#include <utility>

#include "base/strings.h"
#include "store/forwarding_store.h"

namespace driftwarden::daemon {

namespace asio = boost::asio;
namespace {

constexpr char kVariable[] = "DRIFTWARDEN_CRASH_AT";
constexpr std::string_view kPoints[] = {"before_commit", "after_commit", "before_call",
                                        "after_call", "after_alert"};

class Store final : public store::ForwardingStore {
 public:
  Store(std::unique_ptr<store::StateStore> inner, CrashPoints& points)
      : ForwardingStore(std::move(inner)), points_(points) {}
  Status Commit(uint64_t lease_epoch, const monitor::Changes& changes) override {
    points_.Reach("before_commit");
    Status done = ForwardingStore::Commit(lease_epoch, changes);
    points_.Reach("after_commit");
    return done;
  }

 private:
  CrashPoints& points_;
};

class Acts final : public remediation::Actuator {
 public:
  Acts(std::unique_ptr<remediation::Actuator> inner, CrashPoints& points)
      : inner_(std::move(inner)), points_(points) {}
  asio::awaitable<remediation::CallResult> RevokeSessions(std::string entra_id,
                                                          monitor::ActionId action,
                                                          absl::Duration not_after) override {
    points_.Reach("before_call");
    auto result =
        co_await inner_->RevokeSessions(std::move(entra_id), std::move(action), not_after);
    points_.Reach("after_call");
    co_return result;
  }

 private:
  std::unique_ptr<remediation::Actuator> inner_;
  CrashPoints& points_;
};

class Sink final : public alerts::AlertSink {
 public:
  Sink(std::unique_ptr<alerts::AlertSink> inner, CrashPoints& points)
      : inner_(std::move(inner)), points_(points) {}
  const std::string& name() const override { return inner_->name(); }
  const std::string& address() const override { return inner_->address(); }
  asio::awaitable<Status> Deliver(std::vector<alerts::Alert> alerts) override {
    bool about_people = false;  // the watchdog's heartbeat is not what the point is about
    for (const alerts::Alert& alert : alerts) {
      about_people = about_people || alert.labels.contains("episode");
    }
    const Status delivered = co_await inner_->Deliver(std::move(alerts));
    if (about_people && delivered.ok()) points_.Reach("after_alert");
    co_return delivered;
  }

 private:
  std::unique_ptr<alerts::AlertSink> inner_;
  CrashPoints& points_;
};

}  // namespace

StatusOr<std::optional<std::string>> CrashPoints::FromEnvironment() {
  const char* text = std::getenv(kVariable);
  if (text == nullptr || *text == '\0') return std::optional<std::string>();
  const std::vector<std::string> parts = SplitString(text, ':');
  bool known = false;
  for (const std::string_view point : kPoints) known = known || parts[0] == point;
  const auto count = parts.size() == 2 ? ParseInt64(parts[1]) : std::nullopt;
  if (!known || !count || *count < 1) {
    return InvalidError(Cat(kVariable, "=", Printable(text, 80), " is not POINT:N"));
  }
  return std::optional<std::string>(text);
}

CrashPoints::CrashPoints(const std::string& text) {
  const std::vector<std::string> parts = SplitString(text, ':');
  point_ = parts[0];
  left_ = ParseInt64(parts[1]).value_or(1);
}

void CrashPoints::Reach(const std::string& point) {
  if (point == point_ && left_.fetch_sub(1) == 1) std::raise(SIGKILL);
}

std::unique_ptr<store::StateStore> CrashingStore(std::unique_ptr<store::StateStore> inner,
                                                 CrashPoints& points) {
  return std::make_unique<Store>(std::move(inner), points);
}

std::unique_ptr<remediation::Actuator> CrashingActuator(
    std::unique_ptr<remediation::Actuator> inner, CrashPoints& points) {
  return std::make_unique<Acts>(std::move(inner), points);
}

std::unique_ptr<alerts::AlertSink> CrashingSink(std::unique_ptr<alerts::AlertSink> inner,
                                                CrashPoints& points) {
  return std::make_unique<Sink>(std::move(inner), points);
}

}  // namespace driftwarden::daemon
