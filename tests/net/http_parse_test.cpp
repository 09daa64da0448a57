// What the client makes of answers, good and bad, from servers that are not ours.

#include <gtest/gtest.h>

#include "net/http_client.h"
#include "tests/net/loopback.h"

namespace driftwarden::net {
namespace {

class AnswerTest : public Loopback {
 protected:
  StatusOr<HttpResponse> Answer(const std::string& raw, HttpRequest request = HttpRequest()) {
    request.url = ListenRaw({Script{{raw}, false}}) + "/";
    return Send(std::move(request));
  }
};

TEST_F(AnswerTest, ReadsALengthDelimitedBodyAndTheDate) {
  const auto answer = Answer(
      "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nX-A: one\r\nX-A: two\r\n"
      "Content-Length: 5\r\n\r\nhello");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->body, "hello");
  EXPECT_EQ(*answer->Find("x-a"), "one");
  ASSERT_TRUE(answer->date.has_value());
  EXPECT_EQ(absl::ToUnixSeconds(*answer->date), 784111777);
}

TEST_F(AnswerTest, ReadsAChunkedBody) {
  const auto answer = Answer(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n"
      "0\r\n\r\n");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->body, "hello world");
}

TEST_F(AnswerTest, ReadsABodyThatEndsWithTheConnection) {
  const auto answer = Answer("HTTP/1.0 200 OK\r\n\r\nto the end");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->body, "to the end");
}

TEST_F(AnswerTest, SkipsInterimAnswers) {
  const auto answer = Answer(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
      "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->status, 201);
}

TEST_F(AnswerTest, LeavesRoomForTheJsonParser) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{15}, size_t{4096}, size_t{100000}}) {
    const auto sized = Answer(
        Cat("HTTP/1.1 200 OK\r\nContent-Length: ", size, "\r\n\r\n", std::string(size, 'x')));
    ASSERT_TRUE(sized.ok()) << sized.status();
    EXPECT_EQ(sized->body.size(), size);
    EXPECT_GE(sized->body.capacity(), size + kJsonPadding);
    const auto open = Answer(Cat("HTTP/1.1 200 OK\r\n\r\n", std::string(size, 'x')));
    ASSERT_TRUE(open.ok()) << open.status();
    EXPECT_GE(open->body.capacity(), size + kJsonPadding);
  }
}

TEST_F(AnswerTest, ABodyOverTheLimitIsDataLoss) {
  HttpRequest request;
  request.response_limit = 10;
  const auto exact = Answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789", request);
  EXPECT_TRUE(exact.ok()) << exact.status();
  const auto sized = Answer("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n01234567890", request);
  EXPECT_TRUE(absl::IsDataLoss(sized.status())) << sized.status();
  EXPECT_TRUE(Says(sized.status(), "larger than 10 bytes"));
  const auto chunked =
      Answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n0\r\n\r\n",
             request);
  EXPECT_TRUE(absl::IsDataLoss(chunked.status())) << chunked.status();
  const auto open = Answer("HTTP/1.1 200 OK\r\n\r\n01234567890", request);
  EXPECT_TRUE(absl::IsDataLoss(open.status())) << open.status();
}

TEST_F(AnswerTest, NonsenseIsDataLoss) {
  const std::string flood(70000, 'h');
  for (const std::string& raw :
       {std::string("SSH-2.0-OpenSSH_9.2\r\n\r\n"), std::string("HTTP/1.1 abc OK\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\nBad Header\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        Cat("HTTP/1.1 200 OK\r\nX: ", flood, "\r\n\r\n")}) {
    const auto answer = Answer(raw);
    EXPECT_TRUE(absl::IsDataLoss(answer.status())) << raw.substr(0, 60) << answer.status();
  }
}

TEST_F(AnswerTest, ACutAnswerIsUnavailable) {
  for (const char* raw :
       {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"}) {
    const auto answer = Answer(raw);
    EXPECT_TRUE(absl::IsUnavailable(answer.status())) << raw << answer.status();
    EXPECT_TRUE(Says(answer.status(), "in the middle of its answer")) << answer.status();
  }
}

TEST_F(AnswerTest, AConnectionWithSurplusBytesIsNotKept) {
  const char* surplus = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n";
  const Script talks{{surplus}, true};
  const Script sound{{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nsound"}, false};
  const std::string base = ListenRaw({talks, sound});
  ASSERT_TRUE(Get(base + "/").ok());
  const auto answer = Get(base + "/");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->body, "sound");
}

TEST_F(AnswerTest, AHeadAnswerHasNoBody) {
  const auto answer =
      Answer("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", HttpRequest("HEAD", ""));
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_TRUE(answer->body.empty());
}

}  // namespace
}  // namespace driftwarden::net
