@AC08
Feature: Calls between services are reliable and fast
  "Service-to-service communication is reliable and performant."

  Requests go out when they are due, whatever became of the ones before, and their latency counts from that moment: a
  system that stalls cannot hide behind callers who wait. What a gateway or a mesh costs is told by asking the same
  replicas with and without it, block by block, in random order.

  Background:
    Given the system is deployed and healthy

  Scenario: The instrument is fast enough
    When one agent asks another at the rate that an agent must reach, until it is seen to reach it
    Then every request was sent in time, and answered

  @daily
  Scenario: Every declared call carries load
    Given enough requests to show the bound of every day
    When every caller's own pods ask its callees steadily
    Then the requests were sent when they were due
    And so few fail that the bound holds

  @nightly
  Scenario: Every declared call carries sustained load
    Given enough requests to show the declared bound
    When every caller's own pods ask its callees steadily
    Then the requests were sent when they were due
    And so few fail that the bound holds

  Scenario: Many large requests are carried at the same time
    When as many large requests as declared are under way at the same time
    Then every replica stands it, and each request is answered

  @gateway @daily
  Scenario: Every route that is read carries load
    Given enough requests to show the bound of every day
    And customers know the gateway's name
    When every route that is read is asked steadily through the gateway
    Then the requests were sent when they were due
    And so few fail that the bound holds

  @gateway @nightly
  Scenario: Every route that is read carries sustained load
    Given enough requests to show the declared bound
    And customers know the gateway's name
    When every route that is read is asked steadily through the gateway
    Then the requests were sent when they were due
    And so few fail that the bound holds

  @gateway
  Scenario: Going through the gateway costs no more time than declared
    Given customers know the gateway's name
    When every route that is read is asked through the gateway and directly by turns
    Then the way through the gateway takes at most the declared multiple of the direct one

  @mesh
  Scenario: Going through the mesh costs no more time than declared
    When every caller's own pod asks its callees through the mesh and directly by turns
    Then the way through the mesh takes at most the declared multiple of the direct one
