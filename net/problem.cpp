#include "net/problem.h"

#include <boost/json.hpp>

namespace driftwarden::net {

ServerResponse Problem(int status, std::string title, std::string detail) {
  const boost::json::object problem = {
      {"type", "about:blank"}, {"title", title}, {"status", status}, {"detail", detail}};
  return ServerResponse(status, "application/problem+json", boost::json::serialize(problem));
}

}  // namespace driftwarden::net
