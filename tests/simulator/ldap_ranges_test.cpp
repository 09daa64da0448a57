#include "simulator/ldap_ranges.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace driftwarden::simulator {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

LdapEntry Group() {
  LdapEntry entry;
  for (const char* const member : {"a", "b", "c", "d", "e"}) entry.Add("member", member);
  entry.Add("cn", "group");
  return entry;
}

TEST(LdapRanges, AreTakenOffTheNamesThatAreAskedFor) {
  std::vector<std::string> names = {"cn", "Member;Range=2-*", "x;range=a-b", "y;range=3-4"};
  const ValueRanges ranges = TakeRanges(names);
  EXPECT_THAT(names, ElementsAre("cn", "Member", "x;range=a-b", "y"));
  ASSERT_THAT(ranges, SizeIs(2));
  EXPECT_EQ(ranges.at("member").from, 2U);
  EXPECT_FALSE(ranges.at("member").to);
  EXPECT_EQ(ranges.at("y").to, 4U);
}

TEST(LdapRanges, WhatHasTooManyValuesComesInParts) {
  LdapEntry entry = Group();
  ApplyRanges({}, 2, entry);
  EXPECT_THAT(*entry.Find("member"), IsEmpty());
  EXPECT_THAT(*entry.Find("member;range=0-1"), ElementsAre("a", "b"));
  EXPECT_THAT(*entry.Find("cn"), SizeIs(1));

  entry = Group();
  ApplyRanges({{"member", {2, std::nullopt}}}, 2, entry);
  EXPECT_EQ(entry.Find("member"), nullptr);
  EXPECT_THAT(*entry.Find("member;range=2-3"), ElementsAre("c", "d"));

  entry = Group();
  ApplyRanges({{"member", {4, std::nullopt}}}, 2, entry);
  EXPECT_THAT(*entry.Find("member;range=4-*"), ElementsAre("e"));

  entry = Group();
  ApplyRanges({{"member", {9, std::nullopt}}}, 2, entry);
  EXPECT_THAT(entry.attributes, SizeIs(1)) << "nothing behind the end";
}

TEST(LdapRanges, WithoutALimitNothingIsCut) {
  LdapEntry entry = Group();
  ApplyRanges({}, 0, entry);
  EXPECT_THAT(*entry.Find("member"), SizeIs(5));
}

}  // namespace
}  // namespace driftwarden::simulator
