#pragma once

// Reading the API's JSON without ceremony: what is not there is an empty text, zero or null.

#include <boost/json.hpp>
#include <cstdint>
#include <string>
#include <string_view>

namespace driftwarden::daemon {

const boost::json::value& Field(const boost::json::value& object, std::string_view key);
std::string TextOf(const boost::json::value& value);  // numbers and booleans as text, null as ""
std::string TextAt(const boost::json::value& object, std::string_view key);
int64_t NumberAt(const boost::json::value& object, std::string_view key);
bool FlagAt(const boost::json::value& object, std::string_view key);
const boost::json::array& ListAt(const boost::json::value& object, std::string_view key);
// Indented, for people; ends with a line end.
std::string PrettyJson(const boost::json::value& value);

}  // namespace driftwarden::daemon
