@AC04 @gateway @disruptive
Feature: The gateway hands requests out as declared, and is patient with replicas that are not well
  "Service mesh or API gateway provides unified routing and monitoring."

  A gateway sees every answer, so that it can do what a virtual address cannot: ask another replica when one fails, take
  turns exactly, spare the one that is slow. Each promise is tried on every route that makes it.

  Background:
    Given the system is deployed and healthy
    And customers know the gateway's name

  @retries
  Scenario: A replica that answers with errors is hidden from customers who read
    When customers read on every route while one replica of its service fails every request
    Then no customer sees an error

  @algorithms
  Scenario: Requests are handed out by turns where that is declared
    When customers read on every route that goes by turns
    Then every replica has its exact share

  @algorithms
  Scenario: A slow replica is spared where that is declared, and only there
    When customers read on every route while one replica of its service is slow
    Then it gets a fraction of its share where the least busy replica is asked
    And it gets its full share where requests go by turns

  @timeouts
  Scenario: A call that nobody answers ends at the declared time
    When customers make every call that may not be repeated while no replica of its service answers
    Then each call ends with a timeout at the declared time
