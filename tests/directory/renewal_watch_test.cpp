#include "watchers/directory/renewal_watch.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/directory/fake_controller.h"
#include "tests/testing/temp_directory.h"

namespace driftwarden::directory {
namespace {

class Renewal : public ::testing::Test {
 protected:
  Renewal() { Write("password", "one"); }
  void Write(const std::string& name, const std::string& text) {
    std::ofstream(Path(name)) << text;
  }
  std::string Path(const std::string& name) const { return folder_.path() + "/" + name; }
  RenewalWatch Watch() { return RenewalWatch(clock_, {Path("password"), Path("ca")}); }

  testing::TempDirectory folder_;
  watchers::FakeClock clock_;
};

TEST_F(Renewal, NothingChangedIsNothingDue) {
  const RenewalWatch watch = Watch();
  EXPECT_FALSE(watch.Due());
  clock_.now += absl::Hours(1000);
  EXPECT_FALSE(watch.Due());
}

TEST_F(Renewal, AFileThatIsRewrittenReplacedMadeOrRemovedIsAChange) {
  RenewalWatch rewritten = Watch();
  Write("password", "longer");
  EXPECT_TRUE(rewritten.Due());

  const RenewalWatch replaced = Watch();
  Write("new", "LONGER");
  std::filesystem::last_write_time(Path("new"), std::filesystem::last_write_time(Path("password")));
  std::filesystem::rename(Path("new"), Path("password"));
  EXPECT_TRUE(replaced.Due()) << "of the same size and time";

  const RenewalWatch made = Watch();
  Write("ca", "certificate");
  EXPECT_TRUE(made.Due());

  const RenewalWatch removed = Watch();
  std::filesystem::remove(Path("ca"));
  EXPECT_TRUE(removed.Due());
}

TEST_F(Renewal, TicketsAreReplacedWhileThereIsTime) {
  RenewalWatch watch = Watch();
  const absl::Time now = clock_.now;
  watch.TicketsEnd(now, now + absl::Hours(10));
  clock_.now = now + absl::Hours(10) - absl::Minutes(6);
  EXPECT_FALSE(watch.Due());
  clock_.now = now + absl::Hours(10) - absl::Minutes(5);
  EXPECT_TRUE(watch.Due());
  watch.TicketsEnd(clock_.now, clock_.now + absl::Seconds(8));
  clock_.now += absl::Seconds(5);
  EXPECT_FALSE(watch.Due());
  clock_.now += absl::Seconds(1);
  EXPECT_TRUE(watch.Due()) << "a quarter of a short life";
}

TEST_F(Renewal, ARefusedSecretWaitsForItsNextChange) {
  RenewalWatch watch = Watch();
  Write("password", "wrong one");
  ASSERT_TRUE(watch.Due());
  watch.Failed(UnauthenticatedError("refused"));
  clock_.now += absl::Hours(1000);
  EXPECT_FALSE(watch.Due()) << "trying again would lock the account";
  Write("password", "the right one");
  EXPECT_TRUE(watch.Due());
}

TEST_F(Renewal, AnythingElseIsTriedAgainInAMinute) {
  RenewalWatch watch = Watch();
  Write("password", "another");
  watch.Failed(UnavailableError("no answer"));
  EXPECT_FALSE(watch.Due());
  clock_.now += absl::Seconds(61);
  EXPECT_TRUE(watch.Due());
}

}  // namespace
}  // namespace driftwarden::directory
