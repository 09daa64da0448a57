#include "base/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <type_traits>
#include <utility>

#include "base/secret.h"
#include "base/strings.h"

namespace driftwarden {
namespace {

// A folder of its own for each test, removed at the end.
class Files : public ::testing::Test {
 protected:
  Files() {
    std::string pattern = ::testing::TempDir() + "/driftwarden-files-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~Files() override { std::filesystem::remove_all(folder_); }

  std::string Path(std::string_view name) const { return Cat(folder_, "/", name); }

  std::string folder_;
};

mode_t ModeOf(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(::stat(path.c_str(), &info), 0);
  return info.st_mode & 0777;
}

TEST_F(Files, AtomicWriteReplacesTheWholeFileAndLeavesNothingElse) {
  ASSERT_TRUE(WriteFileAtomic(Path("run.json"), "first, and longer").ok());
  ASSERT_TRUE(WriteFileAtomic(Path("run.json"), "second").ok());
  EXPECT_EQ(*ReadFile(Path("run.json")), "second");
  EXPECT_EQ(ModeOf(Path("run.json")), 0600u);
  const auto entries = std::filesystem::directory_iterator(folder_);
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1);
}

TEST_F(Files, ErrorsNameThePathAndTheReason) {
  const auto absent = ReadFile(Path("absent"));
  EXPECT_EQ(absent.status().code(), StatusCode::kNotFound);
  EXPECT_NE(Message(absent.status()).find(Path("absent")), std::string_view::npos);
  EXPECT_NE(Message(absent.status()).find("No such file or directory"), std::string_view::npos);
  EXPECT_FALSE(WriteFileAtomic(Path("no/such/folder/x"), "x").ok());
  EXPECT_FALSE(ReadFile(folder_).ok());  // a folder is not a file
}

TEST_F(Files, LargerFilesThanTheLimitAreRefused) {
  ASSERT_TRUE(WriteFileAtomic(Path("x"), std::string(11, 'x')).ok());
  EXPECT_TRUE(ReadFile(Path("x"), 11).ok());
  EXPECT_EQ(ReadFile(Path("x"), 10).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(Files, FoldersAreMadeWithTheirParents) {
  ASSERT_TRUE(MakeDirectories(Path("a/b/c")).ok());
  ASSERT_TRUE(MakeDirectories(Path("a/b/c")).ok());
  EXPECT_EQ(ModeOf(Path("a/b/c")), 0700u);
  ASSERT_TRUE(WriteFileAtomic(Path("file"), "x").ok());
  EXPECT_FALSE(MakeDirectories(Path("file/below")).ok());
}

TEST(SystemErrorText, SaysReasonAndNumber) {
  EXPECT_EQ(SystemErrorText(ENOENT), "No such file or directory (errno 2)");
}

TEST_F(Files, ASecretLosesItsLineEndOnly) {
  ASSERT_TRUE(WriteFileAtomic(Path("secret"), " pass word \r\n").ok());
  const auto secret = ReadSecretFile(Path("secret"));
  ASSERT_TRUE(secret.ok());
  EXPECT_EQ(secret->Reveal(), " pass word ");
}

TEST_F(Files, AnEmptyOrAbsentSecretIsRefusedWithoutItsContent) {
  ASSERT_TRUE(WriteFileAtomic(Path("empty"), "\n").ok());
  const auto empty = ReadSecretFile(Path("empty"));
  EXPECT_EQ(empty.status().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(Message(empty.status()).find(Path("empty")), std::string_view::npos);
  EXPECT_EQ(ReadSecretFile(Path("absent")).status().code(), StatusCode::kNotFound);
  ASSERT_TRUE(WriteFileAtomic(Path("huge"), std::string(65537, 's')).ok());
  const auto huge = ReadSecretFile(Path("huge"));
  ASSERT_FALSE(huge.ok());
  EXPECT_EQ(Message(huge.status()).find("sss"), std::string_view::npos);
}

TEST(Secret, CopiesAreIndependentAndMovesEmptyTheSource) {
  Secret first("a secret longer than any small string");
  Secret copy = first;
  Secret moved = std::move(first);
  EXPECT_TRUE(first.empty());  // NOLINT: what is left behind is the subject
  EXPECT_EQ(moved.Reveal(), copy.Reveal());
  copy = Secret("short");
  EXPECT_EQ(copy.Reveal(), "short");
  EXPECT_EQ(moved.Reveal(), "a secret longer than any small string");
  moved = copy;
  EXPECT_EQ(moved.Reveal(), "short");
}

template <typename T>
concept Streamable = requires(std::ostream& out, const T& value) {
  out << value;
};

TEST(Secret, CannotBePrintedOrConverted) {
  static_assert(!std::is_convertible_v<Secret, std::string>);
  static_assert(!std::is_convertible_v<Secret, std::string_view>);
  static_assert(Streamable<std::string> && !Streamable<Secret>);
}

}  // namespace
}  // namespace driftwarden
