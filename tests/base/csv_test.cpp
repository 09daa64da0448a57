#include "base/csv.h"

#include <gmock/gmock.h>

namespace driftwarden {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<CsvReader::Record> ReadAll(std::string_view text) {
  std::vector<CsvReader::Record> records;
  CsvReader reader(text);
  CsvReader::Record record;
  while (reader.Next(&record)) records.push_back(record);
  return records;
}

TEST(Csv, ReadsWhatSpreadsheetsWrite) {
  const auto records = ReadAll("\xef\xbb\xbfname,when\r\nann,\"a,b\"\r\n\r\n\"c\"\"d\",\n,x");
  ASSERT_EQ(records.size(), 4u);
  EXPECT_THAT(records[0].fields, ElementsAre("name", "when"));
  EXPECT_THAT(records[1].fields, ElementsAre("ann", "a,b"));
  EXPECT_THAT(records[2].fields, ElementsAre("c\"d", ""));
  EXPECT_EQ(records[2].line, 4u);
  EXPECT_THAT(records[3].fields, ElementsAre("", "x"));
}

TEST(Csv, AFieldMayHoldLineEnds) {
  const auto records = ReadAll("a,\"x\ny\"\nb,z\n");
  ASSERT_EQ(records.size(), 2u);
  EXPECT_THAT(records[0].fields, ElementsAre("a", "x\ny"));
  EXPECT_EQ(records[1].line, 3u);
}

TEST(Csv, AFaultCostsItsLineAndNoOther) {
  const auto records = ReadAll("a,b\"c\nd,\"e\"f\ng,h\ni,\"never closed\nj,k\n");
  ASSERT_EQ(records.size(), 5u);
  EXPECT_THAT(records[0].fault, HasSubstr("without quotes"));
  EXPECT_THAT(records[1].fault, HasSubstr("behind a closing quote"));
  EXPECT_THAT(records[2].fields, ElementsAre("g", "h"));
  EXPECT_THAT(records[3].fault, HasSubstr("never closed"));
  EXPECT_EQ(records[3].line, 4u);
  EXPECT_THAT(records[4].fields, ElementsAre("j", "k"));
  EXPECT_EQ(records[4].line, 5u);
}

TEST(Csv, NothingHasNoRecords) {
  EXPECT_TRUE(ReadAll("").empty());
  EXPECT_TRUE(ReadAll("\xef\xbb\xbf").empty());
  EXPECT_TRUE(ReadAll("\r\n\n\r").empty());
}

}  // namespace
}  // namespace driftwarden
