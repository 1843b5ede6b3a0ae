@AC04 @gateway
Feature: One front door leads to every service
  "Service mesh or API gateway provides unified routing and monitoring."

  Customers know one name. What stands behind it may be moved, multiplied and repaired, as long as the door leads where it
  says, keeps strangers out, and is as private and as patient as declared. All of it is tried from outside, as customers do.

  Background:
    Given the system is deployed and healthy
    And customers know the gateway's name

  Scenario: Every service is reached by path under one name
    When every route is called at the gateway
    Then a replica of the declared service answers each call
    And each answer carries the request id that the customer sent

  Scenario: The door is open at every node
    When a customer comes to every node
    Then each of them leads to the gateway

  Scenario: What nobody declared is refused
    When a path and a host that nobody declared are asked for
    Then the path is not found
    And the host is refused

  @redirect
  Scenario: Customers without TLS are sent to the safe side
    When every route is called without TLS
    Then each call is redirected to the same address with TLS

  Scenario: The connection is as private as declared
    When customers greet the gateway with every version of TLS
    Then only current versions are spoken, by a gateway that proves its name
    And its certificate is for that name and valid for long enough
    And HTTP/2 is offered

  Scenario: The services learn who asked, and how
    When an honest customer and a forger ask how the services see them
    Then the honest one is seen with the scheme and the host that were asked for
    And at an address that is not the gateway's own
    And nothing that the forger made up is believed

  @quota
  Scenario: A quota is kept
    When every route with a quota is called below it, beyond it, and below it again
    Then nothing below the quota is refused
    And beyond it exactly the excess is refused
    And no other route is affected
