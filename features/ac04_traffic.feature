@AC04 @gateway
Feature: The gateway sends each request where it belongs, and counts it
  "Service mesh or API gateway provides unified routing and monitoring."

  A customer may have to meet the same replica again, and a new version is tried on some of the requests first. What the
  gateway then says about its traffic is worth something only when it agrees with what customers counted themselves.

  Background:
    Given the system is deployed and healthy
    And customers know the gateway's name

  @split
  Scenario: A share of the traffic goes to the next version
    When customers call every route that is split between two versions
    Then both versions answer
    And the other version gets its declared share

  @counts
  Scenario: Every request is counted where it came in
    When customers make good and bad requests on every route
    Then the gateway has counted each answer by its route and its kind
    And it has timed as many on each route

  @affinity
  Scenario: A customer stays with one replica
    When customers come again and again on every route that remembers them
    Then each customer is answered by one replica alone
    And together they meet several replicas

  @disruptive @affinity
  Scenario: A customer whose replica dies is served by another one, and stays with it
    Given customers have come again and again on every route that remembers them
    When the replica of the first customer is deleted by force
    Then after the bound the customers who were with it are served by others
    And each customer stays with one replica again when the service is whole
