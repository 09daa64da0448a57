#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/files.h"
#include "tests/net/loopback.h"

namespace driftwarden::net {
namespace {

class UnixTest : public Loopback {
 protected:
  UnixTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "dw-net-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    path_ = directory_ + "/control.sock";
  }
  ~UnixTest() override { std::filesystem::remove_all(directory_); }

  Status ListenUnix() {
    ServerOptions options;
    options.unix_path = path_;
    return server_.Listen(options).status();
  }

  std::string directory_;
  std::string path_;
};

TEST_F(UnixTest, KnowsWhoIsAtTheOtherEnd) {
  ASSERT_TRUE(ListenUnix().ok());
  const auto answer = Get(Cat("unix:", path_, ":/api/v1/status?x=1"));
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->body, "GET /api/v1/status ");
  ASSERT_EQ(served_.requests.size(), 1U);
  const ServerRequest& seen = served_.requests[0];
  EXPECT_TRUE(seen.over_unix);
  ASSERT_TRUE(seen.peer_uid.has_value());
  EXPECT_EQ(*seen.peer_uid, getuid());
  EXPECT_EQ(seen.Query("x"), "1");
  EXPECT_EQ(*seen.Find("host"), "localhost");
}

TEST_F(UnixTest, TcpHasNoPeerUser) {
  ASSERT_TRUE(Get(Listen(ServerOptions()) + "/").ok());
  EXPECT_FALSE(served_.requests[0].peer_uid.has_value());
  EXPECT_FALSE(served_.requests[0].over_unix);
}

TEST_F(UnixTest, TheFileIsForItsOwnerAndGoesWithTheServer) {
  ASSERT_TRUE(ListenUnix().ok());
  struct stat info {};
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  loop_.Await(server_.Stop());
  EXPECT_NE(stat(path_.c_str(), &info), 0);
}

TEST_F(UnixTest, ReplacesAStaleFileButNotALiveOne) {
  ASSERT_TRUE(ListenUnix().ok());
  const Status taken = ListenUnix();
  EXPECT_TRUE(absl::IsFailedPrecondition(taken));
  EXPECT_TRUE(Says(taken, "served by another process")) << taken;
  // A process that died leaves its file: a bound socket nobody listens on.
  ASSERT_EQ(rename(path_.c_str(), (directory_ + "/moved").c_str()), 0);
  loop_.Await(server_.Stop());
  ASSERT_EQ(rename((directory_ + "/moved").c_str(), path_.c_str()), 0);
  HttpServer second(loop_.executor(), ServedHandler());
  ServerOptions options;
  options.unix_path = path_;
  EXPECT_TRUE(second.Listen(options).ok());
  EXPECT_TRUE(Get(Cat("unix:", path_, ":/a")).ok());
  loop_.Await(second.Stop());
}

TEST_F(UnixTest, NeverReplacesAnOrdinaryFile) {
  ASSERT_TRUE(WriteFileAtomic(path_, "precious").ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(ListenUnix()));
  EXPECT_EQ(*ReadFile(path_), "precious");
}

TEST_F(UnixTest, ErrorsNameThePath) {
  const auto missing = Get(Cat("unix:", path_, ":/a"));
  EXPECT_TRUE(absl::IsUnavailable(missing.status()));
  EXPECT_TRUE(Says(missing.status(), path_)) << missing.status();
  const auto too_long = Get(Cat("unix:/", std::string(200, 'a'), ":/a"));
  EXPECT_TRUE(absl::IsInvalidArgument(too_long.status())) << too_long.status();
  path_ = "/" + std::string(200, 'a');
  EXPECT_TRUE(absl::IsInvalidArgument(ListenUnix()));
}

}  // namespace
}  // namespace driftwarden::net
